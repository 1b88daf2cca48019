"""What dsvc sees of this package: the transform `laplacian_blur`."""

from collections.abc import Mapping
from typing import Any, ClassVar

from dsvc.plugins import Option, RecordTransform, hookimpl


class LaplacianBlur(RecordTransform):
    """Sharpness of the largest face: the variance of the Laplacian of its grey values.

    The value is null where no face was found, or where less than 3 x 3 pixels of it lie in the image.
    An image that cannot be read or decoded is a failure of its record, and `dsvc status` says why.
    """

    version: ClassVar[str] = "1"
    output: ClassVar[str] = "float64"
    inputs: ClassVar[Mapping[str, str | None]] = {"face_detection": "boxes"}
    needs_pixels: ClassVar[bool] = True
    parameters: ClassVar[Mapping[str, Option]] = {
        "margin": Option(float, "share of the box to add on each side", default=0.0),
    }

    def record(self, values: Mapping[str, Any], image: bytes | None) -> float | None:
        """Return the sharpness of one image's largest face."""
        from dsvc_sharpness import laplacian  # numpy and Pillow are loaded when the first image is

        box = laplacian.find_largest(values["face_detection"] or [])
        if box is None or image is None:
            return None
        region = laplacian.cut_region(laplacian.decode_grey(image), box, self.settings["margin"])
        return laplacian.laplacian_variance(region)


@hookimpl
def dsvc_transforms() -> Mapping[str, type[LaplacianBlur]]:
    """Offer the transform under the name that a recipe uses."""
    return {"laplacian_blur": LaplacianBlur}
