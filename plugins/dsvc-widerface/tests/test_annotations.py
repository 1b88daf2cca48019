"""The text format: what is read of it, and which line is named where it is broken."""

import pytest
from dsvc_widerface.annotations import AnnotationError, Face, Image, read_images

PARADE = """0--Parade/a.jpg
2
10 20 30 40 0 0 0 0 0 0
5 6 7 8 2 1 1 1 2 1
"""
TYPICAL = {
    "blur": "clear",
    "expression": "typical",
    "illumination": "normal",
    "invalid": "no",
    "occlusion": "none",
    "pose": "typical",
}
ODD = {
    "blur": "heavy",
    "expression": "exaggerated",
    "illumination": "extreme",
    "invalid": "yes",
    "occlusion": "heavy",
    "pose": "atypical",
}


def read(text):
    """Return the images of a text."""
    return list(read_images(text.splitlines(keepends=True)))


def test_images_and_faces_are_read():
    """With every number, in words where it is a code, and with the line of each image."""
    faces = (Face(10, 20, 30, 40, TYPICAL), Face(5, 6, 7, 8, ODD))

    assert [Image("0--Parade/a.jpg", 1, faces), Image("1--Handshaking/b.jpg", 5, ())] == read(
        PARADE + "1--Handshaking/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
    )


def test_a_path_may_hold_spaces():
    """It is a line, not a word."""
    assert ["0--Parade/a b.jpg"] == [image.path for image in read("0--Parade/a b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n")]


@pytest.mark.parametrize(
    "text",
    [PARADE.replace("\n", "\r\n"), PARADE.replace("\n", " \n"), PARADE.rstrip("\n"), PARADE + "\n\n"],
    ids=["line ends of Windows", "spaces at the end", "no last line end", "empty lines at the end"],
)
def test_what_editors_do_to_a_file_changes_nothing(text):
    """The published files themselves have a space at the end of each box."""
    assert read(PARADE) == read(text)


def test_an_image_without_faces_may_lack_its_line_of_zeros():
    """Some tools that write the format leave it out."""
    assert [0, 2, 0] == [len(image.faces) for image in read(f"a/x.jpg\n0\n{PARADE}a/y.jpg\n0\n")]


@pytest.mark.parametrize(
    "box,invalid,zero,negative",
    [
        ("1 2 3 4 0 0 0 0 0 0", False, False, False),
        ("1 2 3 4 0 0 0 1 0 0", True, False, False),
        ("1 2 0 4 0 0 0 0 0 0", False, True, False),
        ("1 2 3 0 0 0 0 0 0 0", False, True, False),
        ("0 0 0 0 0 0 0 0 0 0", False, True, False),
        ("1026 474 -2 23 2 0 0 0 2 0", False, False, True),
    ],
)
def test_what_is_odd_about_a_face_is_told(box, invalid, zero, negative):
    """It is read all the same."""
    face = read(f"a/x.jpg\n1\n{box}\n")[0].faces[0]

    assert (invalid, zero, negative) == (face.is_invalid, face.is_of_zero_size, face.is_of_negative_size)


@pytest.mark.parametrize(
    "text,error",
    [
        pytest.param(
            "a/x.jpg\n", "line 2: expected the number of faces, found the end of the file", id="cut after path"
        ),
        pytest.param("a/x.jpg\nmany\n", "line 2: expected the number of faces, found 'many'", id="count is a word"),
        pytest.param("a/x.jpg\n-1\n", "line 2: expected the number of faces, found '-1'", id="count below 0"),
        pytest.param("a/x.jpg\n1 2\n", "line 2: expected the number of faces, found '1 2'", id="count of two numbers"),
        pytest.param(
            "a/x.jpg\n2\n1 2 3 4 0 0 0 0 0 0\n",
            "line 4: expected face 2 of 2 of a/x.jpg: 10 whole numbers, found the end of the file",
            id="cut within faces",
        ),
        pytest.param(
            f"a/x.jpg\n3\n{'1 2 3 4 0 0 0 0 0 0' + chr(10)}{PARADE}",
            "line 4: expected face 2 of 3 of a/x.jpg: 10 whole numbers, found '0--Parade/a.jpg'",
            id="count too high",
        ),
        pytest.param(
            "a/x.jpg\n1\n1 2 3 4 0 0 0 0 0\n",
            "line 3: expected face 1 of 1 of a/x.jpg: 10 whole numbers, found '1 2 3 4 0 0 0 0 0'",
            id="nine numbers",
        ),
        pytest.param(
            "a/x.jpg\n1\n1 2 3 4.5 0 0 0 0 0 0\n",
            "line 3: expected face 1 of 1 of a/x.jpg: 10 whole numbers, found '1 2 3 4.5 0 0 0 0 0 0'",
            id="a fraction",
        ),
        pytest.param(
            "a/x.jpg\n1\n1 2 3 4 3 0 0 0 0 0\n",
            "line 3: blur is 3: expected 0 (clear), 1 (normal), 2 (heavy)",
            id="a code that there is not",
        ),
        pytest.param(
            "a/x.jpg\n0\n1 2 3 4 0 0 0 0 0 0\n",
            "line 3: expected no face of an image with 0, found '1 2 3 4 0 0 0 0 0 0'",
            id="a face of an image with none",
        ),
        pytest.param(
            f"{PARADE}1 2 3 4 0 0 0 0 0 0\n",
            "line 5: expected the path of an image, found '1 2 3 4 0 0 0 0 0 0': one face too many?",
            id="count too low",
        ),
        pytest.param(
            f"{PARADE}\n{PARADE}", "line 5: expected the path of an image, found an empty line", id="empty line between"
        ),
        pytest.param("3\n", "line 1: expected the path of an image, found '3': one face too many?", id="no path"),
    ],
)
def test_a_broken_line_is_named(text, error):
    """With its number, what was expected there, and what was found."""
    with pytest.raises(AnnotationError) as caught:
        read(text)

    assert error == str(caught.value)


def test_an_empty_file_has_no_images():
    """Which is no error."""
    assert [] == read("")
