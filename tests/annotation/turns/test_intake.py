"""From what a platform gives to answers in the ledger."""

from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.opstores.memory import MemoryOpStore
from dsvc.annotation.turns.intake import Intake, Taken
from dsvc.annotation.turns.showing import Showing
from dsvc.plugins.platforms import AnswerPage, PlatformAnswer, TaskForm
from dsvc.testing.annotation_lab import AnnotationLab, MemoryLog
from dsvc.testing.fake_platform import FakePlatform, FakeServer

FORM = TaskForm(task="faces", version="1", type="boxes")
ASK = make_ask(
    source="s3://faces/1.png",
    content_id="e",
    task="faces",
    version="1",
    type="boxes",
    mode="label",
    form="label",
    round=0,
)
SHOWING = Showing(ASK.ask_id, 1, None, 100, 50, 2)
BOX = {"x": 10.0, "y": 20.0, "w": 30.0, "h": 40.0, "label": None}


class Pages(FakePlatform):
    """Gives pages that were written down."""

    def __init__(self, *pages):
        super().__init__(FakeServer(lambda: 0))
        self.pages = pages

    def poll(self, form, cursor=None):
        yield from self.pages[int(cursor or 0) :]


def given(payload, annotator="ada", key=SHOWING.key, **fields):
    """Return an answer of a platform."""
    return PlatformAnswer(
        **{
            "key": key,
            "task_id": "7",
            "platform_id": annotator,
            "annotator": annotator,
            "submitted_us": 5,
            "outcome": "value",
            "payload": payload,
            **fields,
        }
    )


def take(*answers, log=None, known=True):
    """Return op store, ledger and report after answers were taken in."""
    ops, log, taken = MemoryOpStore(), log or MemoryLog(), Taken()
    intake = Intake(
        ops,
        log,
        Pages(AnswerPage(answers, b"1")),
        {ASK.ask_id: ASK}.get if known else lambda _: None,
        lambda n: f"p-{n}",
    )
    intake.take(FORM, taken)
    return ops, log, taken


def test_coordinates_become_the_image_s_and_names_pseudonyms():
    """On the grid of 1/16 px; the platform's name of a person is nowhere in the ledger."""
    _, log, taken = take(given([BOX], lead_s=12.0))
    [answer] = log.answers.values()

    assert f"[[{120 * 16},{90 * 16},{60 * 16},{80 * 16},null]]" == answer.payload
    assert ("p-ada", "fake", 12.0) == (answer.annotator, answer.platform, answer.lead_s)
    assert (1, {"faces": 1}, {"faces": 12.0}) == (taken.n_answers, taken.answers, taken.work_s)
    assert {"fake/faces@1": b"1"} == log.cursors


def test_reading_again_adds_nothing():
    """Twice in one page, and once more at the next poll."""
    _, log, taken = take(given([BOX]), given([BOX]))
    assert (2, 1) == (taken.n_read, taken.n_answers)

    log.cursors.clear()
    _, log, taken = take(given([BOX]), log=log)
    assert (1, 0, 1) == (taken.n_read, taken.n_answers, len(log.answers))


def test_a_cursor_is_good_for_who_read_up_to_it():
    """One that came with another's ledger or with an old one is none; nor is one of whoever shares the op store."""
    ops, log, begun = MemoryOpStore(), MemoryLog(), []

    class Asked(Pages):
        def poll(self, form, cursor=None):
            begun.append(cursor)
            return super().poll(form, cursor)

    platform = Asked(AnswerPage((given([BOX]),), b"1"), AnswerPage((given([BOX], "ben"),), b"2"))

    def intake(clone=""):
        return Intake(ops, log, platform, {ASK.ask_id: ASK}.get, lambda n: f"p-{n}", clone)

    intake().take(FORM, Taken())
    intake().take(FORM, Taken())
    assert [None, b"2"] == begun
    log.cursors["fake/faces@1"] = b"1"
    intake().take(FORM, Taken())
    intake().take(FORM, Taken())
    intake("another").take(FORM, Taken())
    intake("another").take(FORM, Taken())
    assert [None, b"2", None, b"2"] == begun[2:]
    assert 2 == len(log.answers)


def test_a_change_of_mind_is_evidence_and_no_second_answer():
    """Both are kept."""
    _, log, taken = take(given([BOX]), given([], submitted_us=9))

    assert (1, 2) == (taken.n_answers, len(log.answers))


def test_what_does_not_fit_is_kept_raw():
    """With the reason; the others of its page are taken."""
    misfits = [
        given("no boxes", "a"),
        given([{"x": 1}], "b"),
        given(None, "c"),
        given(None, "d", problem="garbled", outcome="skip"),
    ]
    ops, log, taken = take(*misfits, given([BOX], "eve"))

    assert (4, 1) == (taken.n_quarantined, taken.n_answers)
    assert ["p-eve"] == [answer.annotator for answer in log.answers.values()]
    assert {"quarantined"} == {record.doc["state"] for record in ops.scan("inbox")}
    assert all(record.doc["note"] for record in ops.scan("inbox"))


def test_what_nobody_asked_is_kept_too():
    """A task that somebody made by hand, and an ask that nobody here knows."""
    ops, log, taken = take(given([BOX], key="by hand"))
    assert (1, {}) == (taken.n_unknown, log.answers)
    assert ["foreign"] == [record.doc["state"] for record in ops.scan("inbox")]

    ops, log, taken = take(given([BOX]), known=False)
    assert ["unknown"] == [record.doc["state"] for record in ops.scan("inbox")]


def test_a_skip_and_a_verdict_are_answers():
    """Without a value."""
    _, log, taken = take(
        given(None, "a", outcome="skip", reasons=("blurred",)),
        given(None, "b", outcome="accept"),
        given([BOX], "c", outcome="reject"),
    )

    assert 3 == taken.n_answers
    assert {"skip": None, "accept": None} == {
        one.outcome: one.payload for one in log.answers.values() if one.outcome != "reject"
    }


def test_what_cannot_even_be_read_is_counted():
    """With where it is, once; the cursor goes on behind it."""
    log, taken = MemoryLog(), Taken()
    pages = Pages(AnswerPage([given([BOX])], b"1", 2, ["a.jsonl:1: oops", "a.jsonl:3: oops"]))
    intake = Intake(MemoryOpStore(), log, pages, {ASK.ask_id: ASK}.get, lambda n: n)
    intake.take(FORM, taken)
    intake.take(FORM, taken)

    assert (3, 2, 1) == (taken.n_read, taken.n_quarantined, taken.n_answers)
    assert ["a.jsonl:1: oops", "a.jsonl:3: oops"] == taken.notes


def test_what_another_clone_put_aside_is_not_lost():
    """It read an answer to an ask that only this one knows, and its cursor came here with its ledger."""
    ours, theirs = AnnotationLab(), AnnotationLab()
    ours.server, ours.platform = theirs.server, FakePlatform(theirs.server)
    ours.restart()
    theirs.want(0)
    ours.want(1)
    theirs.turn()
    ours.turn()
    for lab, number, person in ((ours, 1, "ann"), (theirs, 0, "cleo")):
        key = lab.ask(number).ask_id.hex()
        [task] = [task for task in ours.server.tasks.values() if task.key.startswith(key)]
        ours.server.submit(task.task_id, person, "value", 4, lead_s=30.0)
    for lab in (theirs, ours):
        lab.wait(1)
    theirs.turn()
    assert ["unknown"] == [record.doc["state"] for record in theirs.ops.scan("inbox")]
    ours.log.cursors.update(theirs.log.cursors)
    for _ in range(4):
        ours.wait(0.5)
        ours.restart()
        ours.turn()

    assert ["p-ann"] == [answer.annotator for answer in ours.log.answers.values()]
    assert 2 == ours.server.n_posted  # nobody was asked again
