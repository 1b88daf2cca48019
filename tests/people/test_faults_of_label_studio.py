"""What a real Label Studio, its administrators and its annotators do to a loop, and what comes of it."""

import dataclasses
import struct
from contextlib import contextmanager

import pytest

from dsvc.plugins.pixel_s3 import forget_client
from dsvc.testing.http_faults import FaultyProxy, Reset, Status, Truncate
from dsvc.testing.s3_server import S3Server
from tests.people.label_studio_world import HAAR, Person, Studio, pointer

pytest.importorskip("boto3")
pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]

UNSURE = ("ai-body", "ai-body-mirrored")
WRONG = ("cgi-multiangle-10", "cgi-multiangle-10-mirrored")


@pytest.fixture(name="make_studio")
def _make_studio(label_studio, tmp_path, monkeypatch):
    """Give what makes a repository whose images and copies are in S3."""

    @contextmanager
    def make(names, server=label_studio):
        with S3Server() as s3:
            for name, value in s3.environment.items():
                monkeypatch.setenv(name, value)
            forget_client()
            studio = Studio(tmp_path / "faces", server, s3, names)
            studio.people.server = label_studio
            yield studio
        forget_client()

    return make


def tasks(studio):
    """Return the server's tasks of the project: (our key, number, answers)."""
    query = f"project={studio.project}&fields=all&page_size=100"
    _, found = studio.people.call("GET", f"/api/tasks?{query}")
    return [
        (task["data"]["dsvc_key"], task["id"], task["total_annotations"])
        for task in sorted(found["tasks"], key=lambda task: task["id"])
    ]


def faces_of(name):
    """Return what is to be found on an image, in sixteenths of a pixel."""
    return sorted([16 * side for side in face] for face in HAAR[name]["faces"])


def standings(studio):
    """Return how many values have each standing."""
    with studio.open() as repo:
        (work,), _ = repo.annotate_status()
    return dict(work.standings)


def test_a_server_that_stumbles_costs_passes_and_nothing_else(label_studio, make_studio):
    """Refusals, throttling, a token that is not taken, resets, an import whose answer is lost: one task a question."""
    with FaultyProxy(label_studio.url) as proxy:
        server = dataclasses.replace(label_studio, url=proxy.url)
        with make_studio(UNSURE, server) as studio:
            notes = []
            for fault in (Status(429), Status(401)):
                proxy.plan(None, fault, forever=True)
                notes += [studio.sync().platforms[0].notes]
                proxy.heal()
            studio.sync()
            ann, ben = (Person(studio, who) for who in ("ann", "ben"))
            (_, first, _), *_ = tasks(studio)
            studio.people.call("DELETE", f"/api/tasks/{first}/")
            proxy.plan(f"/api/projects/{studio.project}/import", Reset(), Truncate(3))
            studio.clock.advance(1.1)
            notes += [studio.sync().platforms[0].notes for _ in range(2)]
            after = tasks(studio)
            studio.sync()

            assert [True] * 4 == [bool(note) for note in notes]
            assert 2 == len(after) == len({key for key, _, _ in after})
            assert after == tasks(studio)
            ann.work(), ben.work()
            studio.sync()
            studio.commit()
            assert {pointer(name): faces_of(name) for name in UNSURE} == studio.boxes_of_dataset()


def test_what_an_administrator_deletes_is_asked_again(make_studio):
    """A task, then the whole project; an answer that was taken in before is not lost with it."""
    with make_studio(UNSURE) as studio:
        ann, ben = (Person(studio, who) for who in ("ann", "ben"))
        studio.sync()
        ann.work()
        studio.sync()
        (_, first, _), *_ = before = tasks(studio)
        studio.people.call("DELETE", f"/api/tasks/{first}/")
        studio.clock.advance(1.1)
        studio.sync()
        again = tasks(studio)
        studio.people.call("DELETE", f"/api/projects/{studio.project}/")
        for _ in range(3):  # one finds it out, one makes it again
            studio.clock.advance(1.1)
            studio.sync()
        ben.work()
        studio.sync()
        studio.commit()

        assert [1, 1] == [n_answers for _, _, n_answers in before]
        assert [(before[1][0], 1), (first, 0)] != [(key, n) for key, _, n in again]
        assert [1, 0] == [n_answers for _, _, n_answers in again]
        assert 4 == len(studio.answers())
        assert {pointer(name): faces_of(name) for name in UNSURE} == studio.boxes_of_dataset()


def test_an_answer_that_is_edited_counts_as_it_is_now(make_studio):
    """In the next version; that which was committed stays, and what is deleted at the server stays in the ledger."""
    with make_studio(UNSURE[:1]) as studio:
        ann, ben = (Person(studio, who) for who in ("ann", "ben"))
        studio.sync()
        seen = ann.open_next()
        ann.submit(seen)
        ben.work()
        studio.sync()
        studio.commit()
        _, task = studio.people.call("GET", f"/api/tasks/{seen.task_id}/")
        of_ann = min(task["annotations"], key=lambda annotation: annotation["id"])
        for region in of_ann["result"]:
            region["value"]["x"] += 8 / region["original_width"] * 100
        address = f"/api/annotations/{of_ann['id']}/"
        assert 200 == studio.people.call("PATCH", address, {"result": of_ann["result"]}, person="ann")[0]
        studio.sync()
        studio.commit()
        studio.people.call("DELETE", address)
        studio.sync()

        (face,) = faces_of(UNSURE[0])
        moved = [face[0] + 8 * 16, *face[1:]]  # by 8 of the pixels shown, of which one is two of the image's
        assert {pointer(UNSURE[0]): [face]} == studio.boxes_of_dataset("HEAD~1")
        assert {pointer(UNSURE[0]): [moved]} == studio.boxes_of_dataset()
        assert 3 == len(studio.answers())


def test_nobody_audits_what_they_made(make_studio):
    """The server gives an audit to whoever comes; an answer of one of its makers counts for nothing."""
    with make_studio(WRONG) as studio:
        ann, ben, fay = (Person(studio, who) for who in ("ann", "ben", "fay"))
        studio.sync(close_lots=True)
        ann.work()  # rejects, and corrects
        studio.sync()
        ann.work(), ben.work()  # do the other one of the lot again
        studio.sync(close_lots=True)
        own = ann.work()
        studio.sync(close_lots=True)
        before = standings(studio)
        for _ in range(2):
            studio.clock.advance(1.1)
            studio.sync(close_lots=True)
        others = fay.work()
        studio.sync(close_lots=True)

        assert [("verify", "accept")] == [(one.form, one.verdict) for one in own]
        assert {"unaudited": 2} == before
        assert [own[0].name] == [one.name for one in others]
        assert {"final": 2} == standings(studio)


def test_what_nobody_can_label_is_given_up(make_studio):
    """Who skips makes room for one more, once; then the image is unusable, and nobody is asked again."""
    with make_studio(UNSURE[:1]) as studio:
        n_skips = 0
        for who in ("ann", "ben", "cleo", "dan", "eve"):
            studio.sync()
            seen = Person(studio, who).open_next() if studio.asks() else None
            if seen is not None:
                assert 201 == studio.people.submit(seen.task_id, who, [], is_skip=True)[0]
                n_skips += 1
            studio.clock.advance(1.1)

        assert 3 == n_skips
        assert {} == studio.asks()
        assert {"unusable": 1} == standings(studio)
        assert [] == studio.staging.keys()


def test_one_box_from_two_browsers_is_one_box(make_studio):
    """Percentages differ in their last digits, and more where a canvas computes with half as many; pixels do not."""
    with make_studio(UNSURE[:1]) as studio:
        ann, ben = (Person(studio, who) for who in ("ann", "ben"))
        studio.sync()
        ann.work()
        seen = ben.open_next()
        results, _ = ben.draw(seen)
        for result in results:
            halved = {side: struct.unpack("f", struct.pack("f", value))[0] for side, value in result["value"].items()}
            assert halved != result["value"]
            result["value"] = halved
        assert 201 == studio.people.submit(seen.task_id, "ben", results)[0]
        studio.sync()
        studio.commit()

        assert 1 == len({answer.payload for answer in studio.answers()})
        assert {pointer(UNSURE[0]): faces_of(UNSURE[0])} == studio.boxes_of_dataset()
