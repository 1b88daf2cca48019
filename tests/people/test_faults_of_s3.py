"""What stores of images and of copies do to a loop: crashes, lost answers, early and late deletion, other bytes.

Both are on a server that is as strict as S3; people answer through files. No time passes but on the server's clock.
"""

import io
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from dsvc.annotation.opstores.lmdb import LmdbOpStore
from dsvc.plugins import pixel_s3
from dsvc.plugins.pixel_s3 import forget_client
from dsvc.repository import Repository
from dsvc.testing.annotation_lab import CrashError
from dsvc.testing.http_faults import Status
from dsvc.testing.s3_buckets import DAY_US, LIFECYCLE, ROLLING, daily_sweep
from dsvc.testing.s3_server import Lost, S3Server
from dsvc.testing.s3_signatures import Credential

boto3 = pytest.importorskip("boto3")
pytestmark = pytest.mark.service

HOUR_US = DAY_US // 24
RECIPE = """
[feed.images]
plugin     = "files"
path       = "documents/*.jsonl"
pointer    = "uri"
content_id = "etag"

[signal.seen]
from  = "images"
type  = "text"
value = "uri"

[platform.team]
plugin  = "files"
image   = "url"
staging = "s3://staging/dsvc"
expiry  = "{expiry}"

[task.quality]
type = "rating(5)"
"""


def picture(shade):
    """Return an image of one colour."""
    buffer = io.BytesIO()
    Image.new("RGB", (32, 24), (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


class Loop:
    """Three images in a bucket, a rating wanted of each, copies in another bucket."""

    def __init__(self, directory, s3, rule=ROLLING, expiry="rolling"):
        self.path, self.s3, self.clock = directory, s3, s3.clock
        self.raw, self.staging = s3.make_bucket("raw"), s3.make_bucket("staging", rule=rule)
        self.staging.lifecycle = [("", 1)] if rule is LIFECYCLE else []
        Repository.init(directory, author="Ada", clock=self.clock).close()
        (directory / "documents").mkdir()
        (directory / "dsvc.toml").write_text(RECIPE.format(expiry=expiry))
        for number in range(3):
            self.raw.put(f"{number}.png", picture(number))
        self.ingest()

    def ingest(self):
        """Write down what is in the bucket, and take it in."""
        rows = [
            {"uri": f"s3://raw/{key}", "etag": self.raw.get(key).etag.strip('"')}
            for key in (f"{number}.png" for number in range(3))
        ]
        (self.path / "documents" / "1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        with self.open() as repo:
            repo.ingest()
            repo.run()

    def open(self):
        """Open the repository as each command does."""
        return Repository.open(self.path, author="Ada", clock=self.clock)

    def sync(self):
        """Do a pass; return what its platform's turn did."""
        with self.open() as repo:
            return repo.annotate_sync().platforms[0]

    @property
    def folder(self):
        """Where the platform writes its questions."""
        return self.path / "annotation" / "quality@1"

    def questions(self):
        """Return what people can see."""
        return [json.loads(line) for line in (self.folder / "asks.jsonl").read_text().splitlines()]

    def answer(self, question, who="ann"):
        """Have somebody rate an image."""
        with (self.folder / "answers" / f"{who}.jsonl").open("a") as file:
            file.write(json.dumps({"key": question["key"], "value": 4}) + "\n")

    def asks(self):
        """Return source -> (state, why) of what is not answered."""
        with self.open() as repo:
            return {Path(one.ask.source).name: (one.state, one.reason) for one in repo.asks()}

    def end(self):
        """Have everything answered; a day later nothing may be left, and nothing may ever have got older."""
        for _ in range(3):
            self.sync()
            done = {line for file in (self.folder / "answers").glob("*") for line in file.read_text().splitlines()}
            keys = {json.loads(line)["key"] for line in done}
            for question in self.questions():
                if question["key"] not in keys:
                    assert 200 == fetch(question["image"])
                    self.answer(question)
        assert not self.asks()
        self.clock.advance(24)
        self.sync()
        assert [] == self.staging.keys()
        assert self.staging.oldest_us() <= DAY_US


def fetch(address):
    """Return the status that whoever has nothing but an address gets."""
    try:
        with urllib.request.urlopen(address, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as err:
        with err:
            return err.code


@pytest.fixture(name="s3")
def _s3(monkeypatch):
    """Give a server that boto3 finds."""
    with S3Server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        forget_client()
        yield server
    forget_client()


@pytest.fixture(name="loop")
def _loop(s3, tmp_path):
    """Give a loop before its first pass."""
    return Loop(tmp_path / "faces", s3)


@pytest.mark.parametrize("is_wiped", [False, True], ids=["same-op-store", "op-store-lost"])
def test_a_crash_between_a_copy_and_its_record(loop, monkeypatch, is_wiped):
    """What was put is taken up, or found by its age; each image is asked about once."""
    swap = LmdbOpStore.swap

    def crash(self, space, key, *rest):
        if space == "stages" and loop.staging.keys():
            raise CrashError
        return swap(self, space, key, *rest)

    with monkeypatch.context() as patched:
        patched.setattr(LmdbOpStore, "swap", crash)
        with pytest.raises(CrashError):
            loop.sync()
    assert 1 == len(loop.staging.keys())
    if is_wiped:
        with loop.open() as repo:
            (repo.layout.directory / "annotation").rename(loop.path / "lost")
    loop.sync()

    assert 3 == len(loop.questions())
    assert 3 + is_wiped == len(loop.staging.keys())
    loop.end()


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Status(503, "SlowDown")], id="refused"),
        pytest.param([Lost()], id="answer-lost"),
        pytest.param([Lost(), Status(500), Lost()], id="all-of-it"),
        pytest.param([Status(503, "SlowDown")] * 3, id="away-for-a-pass"),
    ],
)
def test_a_store_that_stumbles_costs_at_most_a_pass(loop, faults):
    """A PUT that was done and not acknowledged is found again by its word, and not put twice."""
    loop.s3.plan("PUT", *faults, bucket="staging")
    for _ in range(2):
        loop.sync()

    assert 3 == len(loop.questions()) == len(loop.staging.keys())
    assert not loop.staging.lives  # none was deleted or overwritten
    loop.end()


def test_a_store_of_images_that_is_away_parks_nothing(loop, monkeypatch):
    """Neither where it does not answer nor where it does not take the credentials: the next pass goes on."""
    monkeypatch.setattr(pixel_s3._lost, "in_a_row", pixel_s3.OUTAGE)  # as after many others: one try each
    loop.s3.plan("GET", *[Status(503, "SlowDown")] * 3, bucket="raw")
    first = loop.sync()
    known, loop.s3.credentials = loop.s3.credentials, {}
    second = loop.sync()
    loop.s3.credentials = known
    third = loop.sync()

    assert 3 == sum("cannot be read" in note for note in first.notes)
    assert [(0, 0, True), (0, 0, True), (3, 0, False)] == [
        (turn.posted, turn.parked, bool(turn.notes)) for turn in (first, second, third)
    ]
    loop.end()


def test_a_copy_that_cannot_be_deleted_now_is_deleted_later(loop):
    """The store refuses it, or does not say whether it did it."""
    loop.sync()
    for question in loop.questions():
        loop.answer(question)
    loop.s3.plan("DELETE", Status(503, "SlowDown"), Lost(), Status(500), bucket="staging")
    loop.sync()
    loop.clock.advance(1.1)
    loop.sync()

    assert [] == loop.staging.keys()


def test_a_sweep_ten_minutes_after_an_upload(s3, tmp_path):
    """The copies are found gone, put again for what is missing, and nobody answers twice."""
    minute = (s3.clock() + 15 * 60_000_000) % DAY_US // 60_000_000
    loop = Loop(tmp_path / "faces", s3, daily_sweep(minute), "rolling")  # and the recipe knows nothing of it
    loop.sync()
    loop.answer(loop.questions()[0])
    loop.clock.advance(1.1)
    before = loop.staging.keys()
    turn = loop.sync()

    assert [] == before
    assert (1, 2, 2) == (turn.answers, turn.uploaded, turn.posted)
    assert {"rule"} == {life.by for life in loop.staging.lives}
    loop.end()


def test_a_lifecycle_that_is_late(s3, tmp_path):
    """S3 would keep a copy for up to 48 hours; dsvc deletes it before it is a day old, and asks again."""
    loop = Loop(tmp_path / "faces", s3, LIFECYCLE, "midnight")
    loop.sync()
    put_us = loop.clock()
    loop.clock.advance(23.8)
    turn = loop.sync()

    assert loop.staging.due("dsvc/0a", put_us) > put_us + DAY_US
    assert (3, 3, 3) == (turn.overdue, turn.expired, turn.posted)
    assert {"delete"} == {life.by for life in loop.staging.lives}
    loop.end()


def test_a_day_of_silence(loop):
    """The store's own rule has deleted everything; the next pass begins with that, and asks again."""
    loop.sync()
    loop.clock.advance(30)
    turn = loop.sync()

    assert (3, 3) == (turn.expired, turn.posted)
    assert {"rule"} == {life.by for life in loop.staging.lives}
    loop.end()


def test_a_source_that_is_gone_or_another_when_it_is_asked_again(loop):
    """Its ask is parked with the reason: no answer is ever about other bytes than those that were taken in."""
    loop.sync()
    loop.raw.delete("0.png")
    loop.raw.put("1.png", picture(200))
    loop.clock.advance(24)
    turn = loop.sync()
    asks = loop.asks()

    assert (2, 1) == (turn.parked, turn.posted)
    assert ["PARKED", "PARKED", "OPEN"] == [asks[f"{number}.png"][0] for number in range(3)]
    assert "no such object" in asks["0.png"][1]
    assert "changed" in asks["1.png"][1] or "another" in asks["1.png"][1]
    assert 1 == len(loop.staging.keys())


def test_an_address_ends_with_what_signed_it(loop, monkeypatch):
    """Credentials of a session that is over sign nothing that works; with fresh ones the loop goes on."""
    loop.sync()
    old = [question["image"] for question in loop.questions()]
    loop.s3.credentials["ASIAONE"] = Credential("hush", "word", loop.clock() + HOUR_US)
    for name, value in (("ACCESS_KEY_ID", "ASIAONE"), ("SECRET_ACCESS_KEY", "hush"), ("SESSION_TOKEN", "word")):
        monkeypatch.setenv(f"AWS_{name}", value)
    forget_client()
    loop.clock.advance(23.8)  # the copies are overdue, and so is the session
    told = loop.sync().notes
    loop.s3.credentials["ASIAONE"] = Credential("hush", "word", loop.clock() + 99 * HOUR_US)
    loop.clock.advance(1.1)
    loop.sync()
    loop.sync()

    assert any("ExpiredToken" in note for note in told)
    assert [403] * 3 == [fetch(address) for address in old]
    assert [200] * 3 == [fetch(question["image"]) for question in loop.questions()]
    loop.end()


@pytest.mark.parametrize(("skew_s", "is_well"), [(0, True), (-300, False), (300, False)])
def test_a_store_whose_clock_differs_is_found(loop, skew_s, is_well):
    """Before anybody wonders why addresses of a minute never work."""
    loop.s3.skew_s = skew_s
    with loop.open() as repo:
        (checked,) = repo.annotate_check()
    (clock,) = [finding for finding in checked.findings if finding.what == "clock"]

    assert is_well == clock.is_well
    assert is_well == (clock.advice is None)
