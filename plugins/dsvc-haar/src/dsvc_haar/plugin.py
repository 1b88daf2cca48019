"""What dsvc sees of this package: the producer `haar` and the transform `haar_faces`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from dsvc.plugins import Option, Producer, RecordTransform, hookimpl


class Haar(Producer):
    """The model worker of this package, over both of its versions: `python -m dsvc_haar.worker`."""

    output: ClassVar[str] = "boxes"
    accept: ClassVar[str] = ">=1,<3"
    adapter_version: ClassVar[str] = "1"

    def adapt(self, version: str, raw: Any) -> list[dict[str, Any]]:
        """Return the boxes of an output: pixels of the stored image, whatever the version wrote."""
        from dsvc_haar import outputs

        major = version.removeprefix("v").partition(".")[0]
        for known, read in outputs.READ.items():
            if major == str(known):
                return read(raw)
        raise ValueError(f"this package knows the formats of versions 1 and 2, not that of {version}")


class HaarFaces(RecordTransform):
    """The same detector as a step: it reads each image through its pointer, in memory only.

    A value is what the worker of that version writes, adapted: a step and a worker of one version agree to the bit.
    An image that cannot be read or decoded is a failure of its record.
    """

    version: ClassVar[str] = "1"
    output: ClassVar[str] = "boxes"
    inputs: ClassVar[Mapping[str, str | None]] = {}
    needs_pixels: ClassVar[bool] = True
    parameters: ClassVar[Mapping[str, Option]] = {
        "model": Option(int, "the version of the cascade", default=2, choices=(1, 2)),
    }

    def record(self, values: Mapping[str, Any], image: bytes | None) -> list[dict[str, Any]]:
        """Return the faces of one image."""
        from dsvc_haar import cascade, outputs  # OpenCV is loaded when the first image is

        model = self.settings["model"]
        return outputs.READ[model](outputs.WRITE[model](cascade.detect(image or b"", model)))


@hookimpl
def dsvc_producers() -> Mapping[str, type[Haar]]:
    """Offer the producer under the name that a signal's `producer` gives."""
    return {"haar": Haar}


@hookimpl
def dsvc_transforms() -> Mapping[str, type[HaarFaces]]:
    """Offer the transform under the name that a step's `transform` gives."""
    return {"haar_faces": HaarFaces}
