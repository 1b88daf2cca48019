"""One whole loop with a real Label Studio: a detector's boxes, people where it pays, a sample audited, round again.

What is there is what will be there in earnest: images and staged copies in S3, whose every request must be signed and
whose objects expire; the server of the annotators as a process of its own; people with accounts of their own, one of
whom is inexact and overlooks faces, one slow and one away. The boxes are those that a real detector found.
"""

import json
import time

import pytest

from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.cli import main
from dsvc.commands._options import clock_ahead_us
from dsvc.plugins.pixel_s3 import forget_client
from dsvc.testing.s3_buckets import DAY_US
from dsvc.testing.s3_server import S3Server
from tests.people.label_studio_world import HAAR, OWNER, Person, Studio, get, overlap, pointer, stored_image

boto3 = pytest.importorskip("boto3")
pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]
OVERLOOKED = {name for name, seen in HAAR.items() if len(seen["faces"]) > 2}


@pytest.fixture(name="studio")
def _studio(label_studio, tmp_path, monkeypatch):
    """Give a repository whose images and copies are in S3."""
    with S3Server() as s3:
        for name, value in s3.environment.items():
            monkeypatch.setenv(name, value)
        forget_client()
        yield Studio(tmp_path / "faces", label_studio, s3)
    forget_client()


def test_a_detector_s_boxes_become_final(studio, monkeypatch, capsys):
    """What people said is what is committed, each image was shown while it had to be, and no address is left."""
    ann, eve, fay = (Person(studio, who) for who in ("ann", "eve", "fay"))
    ben = Person(studio, "ben", jitter=3, misses=True)
    cleo, dan = (Person(studio, who, jitter=1) for who in ("cleo", "dan"))
    uncertain = [name for name, seen in HAAR.items() if is_uncertain(seen)]

    # The uncertain ones go to two people each; one of the team opens an image and is slow, one opens it and goes.
    studio.sync()
    assert {("adjust", 0): len(uncertain)} == studio.asks()
    given = ann.work()
    slow, away = cleo.open_next(), dan.open_next()
    given += ben.work()
    assert 2 == len({slow.name, away.name})
    assert {slow.name, away.name}.isdisjoint(one.name for one in given if one.who == "ben")
    check_images_are_renderings([slow, away])
    check_only_the_signed_are_served(studio, cleo, slow)

    # Where two disagree, an expert decides: about what one of them has overlooked.
    studio.sync()
    assert {("adjust", 0): 2, **disputed(given, {slow.name, away.name})} == studio.asks()
    given += eve.work()

    # Before a day is over the copies are deleted, and put again for the answers that are missing alone.
    before = export(studio)
    studio.clock.advance(23.8)
    (turn,) = studio.sync().platforms
    assert (2, 2, 2) == (turn.expired, turn.uploaded, turn.posted)
    assert 404 == get(cleo.sign(slow.resolver))[0]
    assert 2 == len(studio.staging.keys())

    # The slow one's answer comes after all, to the question of the day before, and counts: nobody else is needed.
    given.append(cleo.submit(slow))
    (turn,) = studio.sync().platforms
    assert (1, 1) == (turn.answers, turn.closed)
    given += ben.work()
    assert away.name == given[-1].name

    # Of what the detector was sure of a sample is audited; one lot fails, and goes to people.
    studio.sync(close_lots=True)
    assert {("audit", 0): 3, **disputed(given[-1:])} == studio.asks()
    given += eve.work()
    studio.sync()
    assert {("adjust", 1): 1} == studio.asks()
    given += ann.work()
    given += ben.work()
    studio.sync(close_lots=True)
    assert {("audit", 1): 1} == studio.asks()
    given += fay.work()
    studio.sync(close_lots=True)
    assert {} == studio.asks()

    studio.commit()
    with studio.open() as repo:
        (work,), _ = repo.annotate_status()
    assert (("final", len(HAAR)),) == work.standings
    assert (("failed", 1), ("passed", 2)) == work.lots
    n_disputed = sum(one.who == "ben" and one.name in OVERLOOKED for one in given)
    assert n_disputed > 0
    assert (len(given), 4, n_disputed) == (work.answers, work.audits, work.adjudications)
    assert what_people_said(given) == studio.boxes_of_dataset()

    assert [] == studio.staging.keys()
    assert studio.staging.oldest_us() < DAY_US
    assert {"delete"} == {life.by for life in studio.staging.all_lives()}
    check_nothing_leaked(studio, before + export(studio), what_is_told(studio, monkeypatch, capsys))


def disputed(given, but=()):
    """Return what an expert is asked: where one of two overlooked faces. The server chose who opened which image."""
    n = sum(one.who == "ben" and one.name in OVERLOOKED and one.name not in but for one in given)
    return {("adjudicate", 0): n} if n else {}


def is_uncertain(seen):
    """Tell what `ask` of the recipe says."""
    return not seen["found"] or min(row[4] for row in seen["found"]) < 4


def check_images_are_renderings(opened):
    """The copy is made smaller, looks the same, and carries nothing but pixels."""
    for seen in opened:
        assert b"\xff\xd8\xff" == seen.image[:3]
        assert OWNER.encode() in stored_image(seen.name)
        assert [False] * 3 == [word in seen.image for word in (OWNER.encode(), b"Exif", seen.name.encode())]


def check_only_the_signed_are_served(studio, person, seen):
    """Nobody without an account is sent to an address; without its signature, or after a minute, it shows nothing."""
    bare = seen.address.partition("?")[0]
    assert 401 == get(seen.resolver)[0]
    assert (200, seen.image) == get(seen.address)
    assert [403, 403] == [get(bare)[0], get(seen.address[:-4] + "0000")[0]]
    studio.clock.advance(seconds=61)
    assert 403 == get(seen.address)[0]
    assert seen.image == person.fetch(seen.resolver)[1]


def export(studio):
    """Return what the server gives out of the project to whoever exports it, as text."""
    _, found = studio.people.call("GET", f"/api/projects/{studio.project}/export?download_all_tasks=true")
    return json.dumps(found)


def what_is_told(studio, monkeypatch, capsys):
    """Return what the commands say that look at people's work, and at what was done."""
    monkeypatch.chdir(studio.path)
    for name, value in studio.environ.items():
        monkeypatch.setenv(name, value)
    token = clock_ahead_us.set(studio.clock() - time.time_ns() // 1000)
    for line in ("annotate sync", "annotate status", "annotate asks --all --json", "annotate cost", "op log", "log"):
        assert 0 == main(line.split())
    clock_ahead_us.reset(token)
    said = capsys.readouterr()
    return said.out + said.err


def check_nothing_leaked(studio, exported, told):
    """Neither the server nor anything that dsvc wrote or said has a signed address or a key."""
    written = b"".join(path.read_bytes() for path in sorted(studio.path.rglob("*")) if path.is_file())
    assert "s3://staging/dsvc/" in exported
    assert "face_boxes" in told
    secrets = (b"X-Amz-", studio.s3.secret.encode(), studio.people.server.token.encode(), OWNER.encode())
    for text in (exported.encode(), told.encode(), written, ledger_of(studio)):
        assert [False] * len(secrets) == [secret in text for secret in secrets]


def ledger_of(studio):
    """Return every ask and answer of the ledger as text: on disk they may be compressed."""
    with studio.open() as repo:
        found = repr(list(read_ledger(repo.store).iter_evidence("face_boxes")))
    assert pointer("ai-body") in found
    return found.encode()


# --- the oracle: rules of the recipe in plain words, and the answers in the order in which they were given ----------


def what_people_said(given):
    """Return the boxes of each image, in sixteenths of a pixel: what the recipe makes of the answers."""
    values = {}
    for name, seen in HAAR.items():
        if is_uncertain(seen):
            first, second, *expert = [one for one in given if one.name == name]
            assert first.who != second.who
            both = middle_of(first.boxes, second.boxes)
            values[name] = both if both is not None else expert[0].boxes
            assert len(expert) == (both is None)
    sure = [name for name in HAAR if name not in values]
    for is_several in (False, True):
        lot = [name for name in sure if ("multiangle" in name) == is_several]
        said = {name: [one for one in given if one.name == name] for name in lot}
        audited = {name: ones[0] for name, ones in said.items() if ones and ones[0].form == "verify"}
        assert len(audited) == -(-len(lot) // 10)
        if all(one.verdict == "accept" for one in audited.values()):
            values |= {
                name: sorted([round(16 * side) for side in row[:4]] for row in HAAR[name]["found"]) for name in lot
            }
            continue
        for name in lot:
            later = said[name][1:] if name in audited else said[name][2:]
            again = [one.boxes for one in said[name][:2]]
            values[name] = audited[name].boxes if name in audited else middle_of(*again)
            assert [] == [one for one in later if one.verdict != "accept"]
    return {pointer(name): value for name, value in values.items()}


def middle_of(first, second):
    """Return the boxes half-way between two people's; None where one has a box that the other has not."""
    found = []
    for box in first:
        near = [other for other in second if overlap(box, other) >= 0.5]
        if len(near) != 1:
            return None
        left, top = ((box[side] + near[0][side]) // 2 for side in (0, 1))
        right, bottom = ((box[side] + box[side + 2] + near[0][side] + near[0][side + 2]) // 2 for side in (0, 1))
        found.append([left, top, right - left, bottom - top])
    return sorted(found) if len(first) == len(second) else None
