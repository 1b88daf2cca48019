"""What annotators are shown of an image."""

from io import BytesIO

import pytest
from PIL import Image

from dsvc.annotation.staging.rendering import Rendering, render, rendering_name
from dsvc.errors import ImageUnreadableError


def make_image(width=40, height=30, mode="RGB", form="PNG", **extra):
    """An image in which every pixel says where it is."""
    image = Image.new("RGB", (width, height))
    image.putdata([(x, y, (x * y) % 256) for y in range(height) for x in range(width)])
    buffer = BytesIO()
    image.convert(mode).save(buffer, form, **extra)
    return buffer.getvalue()


def opened(rendered):
    """Return what was rendered as an image."""
    return Image.open(BytesIO(rendered.data))


def test_a_crop_has_its_margin_and_knows_where_it_lies():
    """Whole pixels, cut at the border, and a point shown is a point of the image."""
    rendered = render("s3://a/b", make_image(), Rendering(crop=(10, 10, 10.5, 6), margin=0.5, format="png"))

    assert (4, 7) == (rendered.left, rendered.top)
    assert (22, 12) == (rendered.width, rendered.height) == opened(rendered).size
    assert (rendered.left + 3, rendered.top + 2) == opened(rendered).getpixel((3, 2))[:2]


def test_what_is_too_large_is_made_smaller_by_a_whole_factor():
    """So that a point shown has one place in the image."""
    rendered = render("s3://a/b", make_image(100, 50), Rendering(max_side=40, format="png"))

    assert (3, 34, 17) == (rendered.factor, rendered.width, rendered.height)


def test_nothing_but_pixels_is_left():
    """No EXIF, no profile, no comment: neither where it was taken nor by whom."""
    exif = Image.Exif()
    exif[0x010E] = "Ada Lovelace, 51.5 N"
    exif[0x0112] = 6
    image = make_image(form="JPEG", exif=exif, comment=b"Ada Lovelace", icc_profile=b"Ada Lovelace" * 20)
    assert b"Ada" in image

    for form in ("jpeg", "png"):
        rendered = render("s3://a/b", image, Rendering(format=form))
        assert b"Ada" not in rendered.data
        assert {} == dict(opened(rendered).getexif())
        assert set(opened(rendered).info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_rotation_is_applied_only_where_it_is_said():
    """Coordinates are those of the stored image."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = make_image(form="JPEG", exif=exif)

    assert (40, 30) == opened(render("s3://a/b", image, Rendering())).size
    assert (30, 40) == opened(render("s3://a/b", image, Rendering(is_upright=True))).size


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_image_is_shown(mode):
    """As eight bits grey or colour."""
    image = Image.new(mode, (6, 5))
    buffer = BytesIO()
    image.save(buffer, "PNG")

    assert opened(render("s3://a/b", buffer.getvalue(), Rendering())).mode in {"L", "RGB"}


@pytest.mark.parametrize(
    ("mode", "top", "form"), [("I;16", 65535, "PNG"), ("I;16B", 65535, "TIFF"), ("I", 255, "TIFF"), ("F", 1, "TIFF")]
)
def test_deep_images_are_shown_from_black_to_white(mode, top, form):
    """Whatever a level is counted in, and wherever its high byte stands."""
    array = pytest.importorskip("numpy").linspace(0, top, 256).reshape(16, 16)
    kind = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}[mode]
    buffer = BytesIO()
    Image.frombytes(mode, (16, 16), array.astype(kind).tobytes()).save(buffer, form)
    shown = opened(render("s3://a/b", buffer.getvalue(), Rendering(format="png")))

    assert 1 >= max(abs(level - i) for i, level in enumerate(shown.tobytes()))


def test_a_program_is_no_image(monkeypatch, tmp_path):
    """A page of PostScript would be run by an interpreter, which keeps it in a file."""
    started = tmp_path / "started"
    interpreter = tmp_path / "gs"
    interpreter.write_text(f"#!/bin/sh\ntouch {started}\n")
    interpreter.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n%%EOF\n"

    with pytest.raises(ImageUnreadableError):
        render("s3://a/b", page, Rendering())
    assert not started.exists()


@pytest.mark.parametrize("image", [b"", b"secret pixels", make_image()[:100]])
def test_what_is_no_image_is_refused_without_a_byte_of_it(image):
    """The pointer says which one."""
    with pytest.raises(ImageUnreadableError, match="s3://a/b") as caught:
        render("s3://a/b", image, Rendering())
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_region_outside_is_refused():
    """Instead of showing something else."""
    with pytest.raises(ImageUnreadableError, match="40 x 30"):
        render("s3://a/b", make_image(), Rendering(crop=(50, 0, 5, 5)))


def test_a_rendering_is_named_by_what_it_shows():
    """The same part of the same bytes is one name; another part or other bytes are another."""
    base = rendering_name("s3://a/b", "e1", Rendering())

    assert base == rendering_name("s3://a/b", "e1", Rendering())
    assert 4 == len(
        {
            base,
            rendering_name("s3://a/b", "e2", Rendering()),
            rendering_name("s3://a/c", "e1", Rendering()),
            rendering_name("s3://a/b", "e1", Rendering(crop=(0, 0, 1, 1))),
        }
    )


def test_a_rendering_does_not_print_its_pixels():
    """A message or a log that shows one shows its size."""
    rendered = render("s3://a/b", make_image(), Rendering())

    assert "<40 x 30 pixels>" == repr(rendered)
