"""A real detector gets a new version: what people are asked is what its boxes make necessary, counted by hand.

Images where it finds just one face are audited by a sample; of the others people say where the face is.
"""

import json

import pytest

from . import story

pytestmark = pytest.mark.story

RECIPE = (
    story.RECIPE
    + """
[platform.team]
plugin = "files"

[task.faces]
type = "boxes"
of   = "face_detection"
ask  = "len(face_detection) <> 1"
same = { iou = 0.8 }

[task.faces.audit]
sample    = 0.5
max_error = 0.1
agree     = { iou = 0.8 }
lot       = { size = 100 }
"""
)
GIVEN = [{"x": 100.0, "y": 50.0, "w": 60.0, "h": 70.0, "label": "face"}]
"""What people draw where they are asked."""


@pytest.fixture
def tale(tmp_path, images, written):
    """An empty repository, and the images with what both workers write of them."""
    directory = tmp_path / "repo"
    directory.mkdir()
    made = story.Story(directory, images, written)
    yield made
    made.repo.close()


def answer(repo, who, boxes=None):
    """Let somebody answer what is open: with boxes, or what is shown."""
    folder = repo.path / "annotation" / "faces@1"
    is_open = {status.ask.ask_id.hex() for status in repo.asks()}
    with (folder / "answers" / f"{who}.jsonl").open("a") as file:
        for question in map(json.loads, (folder / "asks.jsonl").read_text().splitlines()):
            if question["key"].partition("#")[0] in is_open:
                said = {"key": question["key"], "value": boxes or question["shown"], "seconds": 30}
                file.write(json.dumps(said) + "\n")
    return len(is_open)


def sync(repo, **kwargs):
    """Do a pass; return what it sent, and how many sources of the task it executed."""
    ran = []
    sent = repo.annotate_sync(make=lambda: ran.append(repo.run()), **kwargs)
    return sent, sum(step.ran for report in ran for step in report.steps if step.name == "faces")


def is_near(first, second):
    """Tell whether each is one box, and both overlap by 0.8; on the grid of annotators' answers."""
    if not len(first) == len(second) == 1:
        return False
    a, b = ({side: round(box[0][side] * 16) / 16 for side in "xywh"} for box in (first, second))
    w = min(a["x"] + a["w"], b["x"] + b["w"]) - max(a["x"], b["x"])
    h = min(a["y"] + a["h"], b["y"] + b["h"]) - max(a["y"], b["y"])
    inner = max(0.0, w) * max(0.0, h)
    return inner / (a["w"] * a["h"] + b["w"] * b["h"] - inner) >= 0.8


def standings(repo):
    """Return source -> (origin, standing) of the task's records."""
    rows = repo.sql("SELECT source, _origin, _state FROM faces", "@draft").to_pylist()
    return {row["source"]: (row["_origin"], row["_state"]) for row in rows}


def account(old, new, sampled):
    """Return source -> (origin, standing) once version 2 is run; None for whom people are asked about."""
    found = {}
    for source, boxes in new.items():
        near = is_near(old[source], boxes)
        if len(old[source]) != 1:
            found[source] = "human", "final"
        elif source in sampled:
            found[source] = ("model" if near else "human"), "final"
        elif len(boxes) != 1:
            found[source] = None
        else:
            found[source] = "model", "final" if near else "unaudited"
    return found


def test_a_new_version_asks_what_its_boxes_make_necessary(tale, capsys):
    """Planned before; what people said covers what is near, the rest is judged again, and going back asks nothing."""
    repo, old, new = tale.repo, tale.boxes(1), tale.boxes(2)
    tale.recipe(RECIPE)
    tale.deliver(1)
    unsure = {source for source, boxes in old.items() if len(boxes) != 1}
    [planned] = repo.plan().tasks
    n_audits = (len(old) - len(unsure) + 1) // 2
    assert (len(unsure), n_audits) == (planned.new, planned.audits)
    sent, ran = sync(repo)
    assert (len(unsure), len(old)) == (sent.posted, ran)
    answer(repo, "ann", GIVEN)
    sync(repo, close_lots=True)
    sampled = {status.ask.source for status in repo.asks()}
    assert n_audits == len(sampled) == answer(repo, "bob")
    sync(repo)
    before = standings(repo)
    assert {"final"} == {standing for _, standing in before.values()}

    # -- version 2 arrives -------------------------------------------------------------------------------------------
    tale.deliver(2)
    changed = {source for source in old if old[source] != new[source]}
    expected = account(old, new, sampled)
    asked = {source for source, found in expected.items() if found is None}
    again = {source for source, found in expected.items() if found == ("model", "unaudited")}
    [planned] = repo.plan().tasks
    assert (len(asked), len(asked), (len(again) + 1) // 2) == (planned.asks, planned.new, planned.audits)
    sent, ran = sync(repo)
    assert (len(asked), len(changed)) == (sent.posted, ran)
    assert asked == {status.ask.source for status in repo.asks()}
    assert {source: found for source, found in expected.items() if found is not None} == standings(repo)
    covered = len(changed) - len(asked) - len(again)
    assert 0 < covered < len(old)

    # -- and is judged to the end, and taken back ----------------------------------------------------------------------
    sent, _ = sync(repo, close_lots=True)
    assert (len(again) + 1) // 2 == sent.posted
    for person in ("cleo", "dora", "emil", "fay"):  # what one corrects is judged by the next
        answer(repo, person, GIVEN)
        sync(repo, close_lots=True)
    assert [] == repo.asks()
    (repo.path / "outputs" / "2.jsonl").unlink()
    repo.ingest()
    [planned] = repo.plan().tasks
    sent, _ = sync(repo, close_lots=True)

    assert (0, 0, 0, 0) == (planned.asks, planned.audits, sent.posted, sent.lots)
    assert {"final"} == {standing for _, standing in standings(repo).values()}
    with capsys.disabled():
        untouched = len(old) - len(changed)
        told = f"{untouched} untouched, {covered} covered, {len(again)} judged again, {len(asked)} asked"
        print(f"\n{len(old)} images, version 2 for people: {told}; taken back: nothing asked")
