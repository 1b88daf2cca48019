"""What of an image annotators are shown: a crop with a margin, made smaller, without anything but its pixels.

Coordinates are pixels of the stored image: EXIF rotation is not applied, unless the rendering says so, and then the
answers are about the rotated image. A rendering is cut at whole pixels and made smaller by a whole factor, so that a
point (x, y) of what is shown is (left + x * factor, top + y * factor) of the image, exactly.

Everything happens in memory; no error says more of an image than its pointer.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from math import ceil, floor
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from dsvc.errors import ImageUnreadableError

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PIXELS: Final = 89_000_000
"""Images beyond are refused before they are decoded: a quarter of a gigabyte, and as much as Pillow trusts."""
FORMATS: Final[tuple[str, ...]] = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "PPM", "AVIF")
"""What is decoded: pixels, by a library. Others are programs (EPS is run by one, which keeps a copy in a file)."""
_JPEG_QUALITY = 92


class Rendering(msgspec.Struct, frozen=True):
    """How an image is shown.

    Attributes:
        crop: (x, y, w, h) of the region in pixels of the image; None for all of it.
        margin: Added on each side, as a share of the region's width and height.
        max_side: The longest side that is shown; larger ones are made smaller by a whole factor.
        format: `png` keeps every pixel; `jpeg` is smaller.
        is_upright: Whether EXIF rotation is applied.
    """

    crop: tuple[float, float, float, float] | None = None
    margin: float = 0.0
    max_side: int | None = None
    format: Literal["jpeg", "png"] = "jpeg"
    is_upright: bool = False

    @property
    def media_type(self) -> str:
        """What the store is told that it is."""
        return f"image/{self.format}"


@dataclass(frozen=True, repr=False)
class Rendered:
    """What is shown, and where it lies in the image."""

    data: bytes
    width: int
    height: int
    left: int = 0
    top: int = 0
    factor: int = 1

    def __repr__(self) -> str:
        """Show the size alone: an image in a message or a log would be a copy."""
        return f"<{self.width} x {self.height} pixels>"


def rendering_name(source: str, content_id: str, rendering: Rendering) -> bytes:
    """Return what identifies a rendering of a source; asks with the same name share one staged copy."""
    return msgspec.json.encode([source, content_id, rendering])


def render(pointer: str, image: bytes, rendering: Rendering) -> Rendered:
    """Return what a rendering shows of an image.

    Args:
        pointer: The image's, for messages.
        image: Its bytes.
        rendering: What to show.

    Raises:
        ImageUnreadableError: If it is no image that can be decoded, or the region is not within it.
    """
    from PIL import Image as pillow  # noqa: N813  -- the module is called as what it makes
    from PIL import ImageOps

    try:
        pillow.init()
        known = [name for name in FORMATS if name in pillow.OPEN]
        with pillow.open(BytesIO(image), formats=known) as opened:
            _check_size(pointer, opened.width * opened.height)
            opened.load()
            whole: Image = ImageOps.exif_transpose(opened) if rendering.is_upright else opened
            left, top, right, bottom = _window(pointer, whole.width, whole.height, rendering)
            is_whole = (left, top, right, bottom) == (0, 0, whole.width, whole.height)
            cut = whole if is_whole else whole.crop((left, top, right, bottom))
            factor = max(1, ceil(max(cut.width, cut.height) / rendering.max_side)) if rendering.max_side else 1
            # Made smaller first: what follows needs several copies. A palette's numbers cannot be averaged, though.
            can_shrink = factor > 1 and cut.mode in {"L", "RGB", "CMYK"}
            shown = _plain(cut.reduce(factor) if can_shrink else cut)
    except ImageUnreadableError:
        raise
    except Exception:  # noqa: BLE001  -- a decoder fails in many ways, and its words may quote the image
        raise ImageUnreadableError(pointer=pointer, reason="it cannot be decoded") from None
    if factor > 1 and not can_shrink:
        shown = shown.reduce(factor)
    buffer = BytesIO()
    if rendering.format == "jpeg":
        shown.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0)
    else:
        shown.save(buffer, "PNG")
    return Rendered(buffer.getvalue(), shown.width, shown.height, left, top, factor)


def _check_size(pointer: str, n_pixels: int) -> None:
    if n_pixels > MAX_PIXELS:
        raise ImageUnreadableError(pointer=pointer, reason=f"it has more than {MAX_PIXELS:,} pixels")


def _window(pointer: str, width: int, height: int, rendering: Rendering) -> tuple[int, int, int, int]:
    if rendering.crop is None:
        return 0, 0, width, height
    x, y, w, h = rendering.crop
    left, top = max(0, floor(x - rendering.margin * w)), max(0, floor(y - rendering.margin * h))
    right = min(width, ceil(x + w + rendering.margin * w))
    bottom = min(height, ceil(y + h + rendering.margin * h))
    if left >= right or top >= bottom:
        raise ImageUnreadableError(pointer=pointer, reason=f"the region is outside its {width} x {height} pixels")
    return left, top, right, bottom


def _plain(image: Image) -> Image:
    """Return the pixels alone, as a kind that browsers show: no EXIF, no profile, no comment, no text, no palette."""
    kind = "L" if image.mode in {"1", "L", "LA"} else "RGB"
    if image.mode in {"I", "I;16", "I;16B", "F"}:  # deeper than a screen
        levels = image.convert("F")
        extremes: Any = (0.0, 65535.0) if image.mode.startswith("I;16") else levels.getextrema()
        low, high = min(0.0, extremes[0]), extremes[1]  # of others nothing says what is white: the brightest there is
        scale = 255 / (high - low) if high > low else 0.0
        image = levels.point(lambda value: value * scale - low * scale)
        kind = "L"
    converted = image.convert(kind)
    converted.info = {}
    from PIL import Image as pillow  # noqa: N813

    return pillow.frombytes(kind, converted.size, converted.tobytes())
