"""The platform `files` keeps the contract; what its files look like."""

import json
import threading

import pytest

from dsvc.annotation.platforms.files import FilesPlatform
from dsvc.annotation.platforms.labelling import open_questions
from dsvc.errors import PlatformError
from dsvc.plugins.platforms import Question, TaskForm
from dsvc.testing.platforms import Desk, PlatformTests, last_page

FORM = TaskForm("quality", "1", "rating(5)", guideline="Rate it.")


class FilesDesk(Desk):
    """People who write lines."""

    def __init__(self, folder):
        self.folder = folder

    def open(self):
        return FilesPlatform("files", {"path": "annotation", "image": "pointer"}, self.folder)

    def image(self):
        return "s3://bucket/a.jpg"

    def give(self, form, key, annotator, outcome="value", payload=None, reasons=()):
        document = {"key": key, "outcome": outcome, "value": payload, "reasons": list(reasons)}
        self.write(form, annotator, json.dumps(document))

    def give_nonsense(self, form, key, annotator):
        self.write(form, annotator, json.dumps({"key": key, "value": {"stars": 3}}))

    def offered(self, form, annotator):
        return {question["key"] for question in open_questions(self.open(), form, annotator)}

    def write(self, form, annotator, line):
        with (self.open().folder(form) / "answers" / f"{annotator}.jsonl").open("a") as file:
            file.write(line + "\n")


@pytest.fixture(name="desk")
def _desk(tmp_path):
    return FilesDesk(tmp_path)


class TestFilesPlatform(PlatformTests):
    """The contract."""


def test_what_goes_out(desk, tmp_path):
    """A folder a version, in it the form and one line a question, in the order in which they were posted."""
    desk.open().post(FORM, [Question(f"{number}#0", "label", "s3://b/k", round=number) for number in (2, 1)])
    folder = tmp_path / "annotation" / "quality@1"
    asks = [json.loads(line) for line in (folder / "asks.jsonl").read_text().splitlines()]

    assert [("2#0", 2), ("1#0", 1)] == [(ask["key"], ask["round"]) for ask in asks]
    assert "Rate it." == json.loads((folder / "form.json").read_text())["guideline"]
    assert {".lock", "answers", "asks.jsonl", "form.json"} == {path.name for path in folder.iterdir()}


def test_malformed_lines_are_listed_and_counted(desk, tmp_path):
    """With file and line, once, however often they are read."""
    platform = desk.open()
    platform.post(FORM, [Question("a#0", "label", "s3://b/k")])
    for line in ("{oops", '{"key": "a#0", "value": 3}', "[]"):
        desk.write(FORM, "ann", line)
    page = last_page(platform, FORM)
    last_page(platform, FORM)
    after = last_page(platform, FORM, page.cursor)
    listed = [json.loads(line) for line in (tmp_path / "annotation/quality@1/malformed.jsonl").read_text().splitlines()]

    assert (2, 1, 0) == (page.n_malformed, len(page.answers), after.n_malformed)
    assert ["ann.jsonl:1: this is not JSON", "ann.jsonl:3: expected an object"] == [
        note.rpartition("/")[2][: len(expected)]
        for note, expected in zip(page.notes, ["ann.jsonl:1: this is not JSON", "ann.jsonl:3: expected an object"])  # noqa: B905
    ]
    assert [("ann.jsonl", 1, "{oops"), ("ann.jsonl", 3, "[]")] == [(n["file"], n["line"], n["text"]) for n in listed]


def test_many_answers_come_in_pages(desk):
    """From the cursor of any of them, the rest is given."""
    platform = desk.open()
    platform.post(FORM, [Question("a#0", "label", "s3://b/k")])
    desk.write(FORM, "ann", "\n".join(['{"key": "a#0", "value": 3}'] * 1200))
    pages = list(platform.poll(FORM))
    rest = list(platform.poll(FORM, pages[0].cursor))

    assert [500, 500, 200] == [len(page.answers) for page in pages]
    assert [500, 200] == [len(page.answers) for page in rest]


def test_processes_may_post_side_by_side(desk):
    """None of them loses what another has written."""
    threads = [
        threading.Thread(
            target=lambda start=start: [
                desk.open().post(FORM, [Question(f"{start}{number}#0", "label", "s3://b/k")]) for number in range(10)
            ]
        )
        for start in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 40 == len(list(desk.open().iter_tasks(FORM)))


def test_a_replaced_file_of_answers_is_counted_anew(desk, tmp_path):
    """So that its questions can be told from those without an answer."""
    platform = desk.open()
    platform.post(FORM, [Question("a#0", "label", "s3://b/k"), Question("b#0", "label", "s3://b/k")])
    desk.write(FORM, "ann", '{"key": "a#0", "value": 3}')
    first = [task.n_answers for task in platform.iter_tasks(FORM)]
    (tmp_path / "annotation/quality@1/answers/ann.jsonl").write_text('{"key": "b#0", "value": 3}\n')

    assert ([1, 0], [0, 1]) == (first, [task.n_answers for task in platform.iter_tasks(FORM)])


def test_a_folder_that_cannot_be_used_is_found(tmp_path):
    """`check` says which; posting is an error, not a traceback."""
    (tmp_path / "annotation").write_text("a file")
    platform = FilesPlatform("files", {"path": "annotation/asks"}, tmp_path)
    (finding,) = platform.check()

    assert (False, True) == (finding.is_well, "cannot be written to" in finding.found)
    with pytest.raises(PlatformError, match="platform 'files'"):
        platform.post(FORM, [Question("a#0", "label", "s3://b/k")])


def test_a_broken_list_of_questions_is_named(desk, tmp_path):
    """With file and line."""
    desk.open().post(FORM, [Question("a#0", "label", "s3://b/k")])
    (tmp_path / "annotation/quality@1/asks.jsonl").write_text("{}\n")

    with pytest.raises(PlatformError, match=r"asks\.jsonl:1"):
        list(desk.open().iter_tasks(FORM))


def test_it_says_what_it_shows(tmp_path):
    """Pointers, unless the recipe asks for staged copies."""
    shows = [FilesPlatform("files", {"image": image}, tmp_path).capabilities.image for image in ("pointer", "url")]

    assert ["pointer", "url"] == shows


@pytest.mark.parametrize(("image", "mode"), [("url", 0o640), ("pointer", 0o644)])
def test_signed_addresses_are_not_for_everybody_on_the_machine(tmp_path, image, mode):
    """Whoever reads one may fetch the image."""
    platform = FilesPlatform("files", {"image": image}, tmp_path)
    platform.post(FORM, [Question("a#0", "label", "https://b.s3/k?X-Amz-Signature=ab")])

    assert mode == (platform.folder(FORM) / "asks.jsonl").stat().st_mode & 0o777
