"""Reading answers from files that grow."""

import json

import pytest

from dsvc.annotation.platforms.answer_files import decode_places, encode_places, place_after, read_lines
from dsvc.plugins.platforms import TaskForm

FORM = TaskForm("quality", "1", "rating(5)")


def line(key, value=3):
    """Return a line that answers a key."""
    return json.dumps({"key": key, "annotator": "ann", "value": value}) + "\n"


def read(folder, places=None):
    """Return the lines behind places, and the places after."""
    lines = list(read_lines(folder, FORM, places or {}))
    return lines, {**(places or {}), **{each.file_id: place_after(folder, each) for each in lines}}


def test_each_line_is_read_once(tmp_path):
    """Over files that grow and files that come; the cursor carries the places."""
    (tmp_path / "b.jsonl").write_text(line("1") + "\n" + line("2"))
    first, places = read(tmp_path)
    places = decode_places(encode_places(places))
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write(line("3"))
    (tmp_path / "a.jsonl").write_text(line("4"))
    (tmp_path / "notes.txt").write_text("x")
    second, places = read(tmp_path, places)

    assert [("1", 1), ("2", 3)] == [(each.answer.key, each.number) for each in first]
    assert [("4", 1), ("3", 4)] == [(each.answer.key, each.number) for each in second]
    assert [] == read(tmp_path, places)[0]


def test_a_partial_line_waits(tmp_path):
    """Until it is whole; an object that is whole needs no line end."""
    path = tmp_path / "a.jsonl"
    path.write_text(line("1") + line("2")[:-9])
    first, places = read(tmp_path)
    path.write_text(line("1") + line("2").rstrip())
    second, places = read(tmp_path, places)
    path.write_text(line("1") + line("2") + line("3"))
    third, places = read(tmp_path, places)

    assert [["1"], ["2"], ["3"]] == [[each.answer.key for each in lines] for lines in (first, second, third)]
    assert [1, 2, 3] == [lines[0].number for lines in (first, second, third)]


@pytest.mark.parametrize("text", [line("9"), line("9") + line("8") + line("7"), ""])
def test_another_file_under_the_same_name_is_read_anew(tmp_path, text):
    """Whether it is shorter or longer."""
    path = tmp_path / "a.jsonl"
    path.write_text(line("1") + line("2"))
    _, places = read(tmp_path)
    path.write_text(text)

    assert len(text.splitlines()) == len(read(tmp_path, places)[0])


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{oops}\n", "not JSON"),
        (b"\xff\xfe\n", "not UTF-8"),
        (b"[1]\n", "expected an object"),
        (b'{"value": 1}\n', "question's key"),
        (b"[" * 100_000 + b"\n", "not JSON"),
        (b"x" * (2 << 20) + b"\n", "bytes"),
    ],
    ids=["json", "utf8", "list", "key", "deep", "long"],
)
def test_malformed_lines_are_given_with_their_number(tmp_path, data, why):
    """And stop nothing: the next line is read."""
    (tmp_path / "a.jsonl").write_bytes(line("1").encode() + data + line("2").encode())
    lines, places = read(tmp_path)

    assert ["1", None, "2"] == [each.answer and each.answer.key for each in lines]
    assert (2, True) == (lines[1].number, why in lines[1].problem)
    assert [] == read(tmp_path, places)[0]


def test_what_the_line_does_not_say_is_the_files(tmp_path):
    """Its name is the person, and the time at which it was written."""
    (tmp_path / "bob.jsonl").write_text('\ufeff{"key": "1", "value": 2}\n')
    (only,) = read(tmp_path)[0]

    assert ("bob", None, 2) == (only.answer.annotator, only.answer.problem, only.answer.payload)
    assert (tmp_path / "bob.jsonl").stat().st_mtime_ns // 1000 == only.answer.submitted_us


def test_a_line_is_later_than_those_before_it(tmp_path):
    """Where none says when: a person's last word is their last line, also where all are read at once."""
    (tmp_path / "bob.jsonl").write_text("".join(f'{{"key": "1", "value": {value}}}\n' for value in (2, 3, 2)))
    times = [line.answer.submitted_us for line in read(tmp_path)[0]]

    assert sorted(set(times)) == times


@pytest.mark.parametrize("cursor", [None, b"", b"\xff", b"[]", b'{"a": 1}', b'{"a": ["x", 1]}'])
def test_a_cursor_that_is_not_ours_has_no_places(cursor):
    """So that everything is read."""
    assert {} == decode_places(cursor)


def test_a_missing_folder_has_no_lines(tmp_path):
    """It comes with the first question."""
    assert [] == list(read_lines(tmp_path / "none", FORM, {}))


def test_no_name_of_a_file_is_kept(tmp_path):
    """Files are named after people; neither a cursor nor an answer's id says how."""
    (tmp_path / "Ada.Lovelace.jsonl").write_text(line("1"))
    lines, places = read(tmp_path)

    assert b"Lovelace" not in encode_places(places)
    assert "Lovelace" not in lines[0].answer.platform_id
    assert [] == read(tmp_path, places)[0]


def test_a_link_is_no_file_of_answers(tmp_path):
    """What it leads to was dropped here by nobody."""
    (tmp_path / "secret").write_text("the text of another file\n")
    (tmp_path / "a.jsonl").symlink_to(tmp_path / "secret")

    assert ([], {}) == read(tmp_path)
