"""Images of a batch: read ahead in order, within bounds, into memory and nowhere else."""

import json
import logging
import os
import pickle
import random
import tempfile
import threading
import time

import pytest

import dsvc
from dsvc.errors import ImageChangedError, ImageUnreadableError, MissingFileError, PointerError
from dsvc.plugins import RecordTransform
from dsvc.plugins.manager import Plugins
from dsvc.plugins.pixels import PointerPixels, read_image
from dsvc.plugins.prefetch import Bounds
from dsvc.testing.http_faults import Reset, ResetBody, Slow, Status, Truncate


def make_image(number, size=20_000):
    """Return bytes that look like nothing else: random, and different for each number."""
    return b"\xff\xd8\xff" + number.to_bytes(4, "big") + random.Random(number).randbytes(size)


def test_a_pointer_is_read_by_its_scheme(tmp_path, s3):
    """A file by its path, an object by its bucket and key."""
    (tmp_path / "a.jpg").write_bytes(b"file")

    assert b"file" == read_image((tmp_path / "a.jpg").as_uri())
    assert b"object" == read_image(s3.put("a.jpg", b"object"))


@pytest.mark.parametrize("pointer", ["/a.jpg", "https://example.org/a.jpg", "a.jpg", "gs://bucket/a", "s3:bucket/a"])
def test_other_pointers_are_refused(pointer):
    """It says which are read."""
    with pytest.raises(PointerError) as caught:
        read_image(pointer)

    assert "pixels are read through file:// and s3:// pointers" == caught.value.rule


def test_images_of_a_batch_are_read_when_asked(tmp_path):
    """Row by row, each time again: what was given out is not kept."""
    (tmp_path / "a").write_bytes(b"1")
    pixels = PointerPixels([f"file://{tmp_path}/a", f"file://{tmp_path}/gone"])

    assert 2 == len(pixels)
    assert b"1" == pixels[0]
    (tmp_path / "a").write_bytes(b"2")
    assert b"2" == pixels[0]
    with pytest.raises(MissingFileError):
        _ = pixels[1]


def test_a_batch_is_a_sequence(tmp_path):
    """It can be gone through, and rows counted from its end; a row that it does not have is an error."""
    for number in range(5):
        (tmp_path / f"{number}").write_bytes(bytes([number]))
    pixels = PointerPixels([f"file://{tmp_path}/{number}" for number in range(5)])

    assert [bytes([number]) for number in range(5)] == list(pixels)
    assert bytes([4]) == pixels[-1]
    for row in (5, -6):
        with pytest.raises(IndexError, match=f"row {row} of 5"):
            _ = pixels[row]


def test_a_batch_goes_to_another_process_as_its_pointers(tmp_path):
    """Nothing that was read goes along."""
    (tmp_path / "a").write_bytes(make_image(1))
    pixels = PointerPixels([f"file://{tmp_path}/a"] * 40, [None] * 40, bounds=Bounds(3, 1000))
    _ = pixels[0]
    sent = pickle.dumps(pixels)
    made = pickle.loads(sent)

    assert len(sent) < 1000
    assert make_image(1) == made[39]
    assert Bounds(3, 1000) == made.prefetch.bounds


def test_200_images_come_in_order_over_a_bad_network(s3):
    """Sixteen at once, within the bounds, whatever fails in between; each image is read from the store about once."""
    pointers = [s3.put(f"{number}.jpg", make_image(number)) for number in range(200)]
    s3.proxy.requests.clear()
    s3.proxy.most_at_once = 0
    faults = [Status(500), Status(503, "SlowDown"), Reset(), Truncate(5000), ResetBody(9000), Slow(0.05)]
    for number in range(0, 200, 5):
        s3.proxy.plan(pointers[number].removeprefix("s3:/"), faults[number // 5 % len(faults)])
    s3.proxy.plan(None, Slow(0.005), forever=True)
    bounds = Bounds(images=24, size_bytes=400_000)
    pixels = PointerPixels(pointers, bounds=bounds)

    for number in range(200):
        assert make_image(number) == pixels[number]
    n_spoilt = sum(not isinstance(faults[i % len(faults)], Slow) for i in range(40))
    assert 200 + n_spoilt <= sum(s3.proxy.requests.values()) <= 200 + n_spoilt + 24
    assert 2 < s3.proxy.most_at_once <= 16
    assert pixels.prefetch.most_images <= 24
    assert pixels.prefetch.most_bytes <= 400_000 + 20_007


def test_sixteen_threads_may_ask(s3):
    """Each gets the image that it asked for."""
    pointers = [s3.put(f"{number}.jpg", make_image(number, 640)) for number in range(64)]
    pixels = PointerPixels(pointers, bounds=Bounds(images=32))
    wrong = []

    def work(first):
        wrong.extend(number for number in range(first, 64, 16) if pixels[number] != make_image(number, 640))

    threads = [threading.Thread(target=work, args=(first,)) for first in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert [] == wrong
    assert not any(thread.is_alive() for thread in threads)


def test_a_failure_is_that_of_its_image(s3):
    """Missing, denied and changed images are told where they are asked for; the others are read."""
    pointers = [s3.put(f"{number}.jpg", make_image(number)) for number in range(5)]
    ids = [s3.client.head_object(Bucket=s3.bucket, Key=f"{number}.jpg")["ETag"] for number in range(5)]
    s3.client.delete_object(Bucket=s3.bucket, Key="1.jpg")
    s3.put("2.jpg", make_image(99))
    s3.proxy.plan(pointers[3].removeprefix("s3:/"), Status(403, "AccessDenied"), forever=True)
    pixels = PointerPixels(pointers, ids)
    found = []
    for row in range(5):
        try:
            found.append(pixels[row])
        except (ImageUnreadableError, ImageChangedError) as err:
            found.append(str(err))

    assert make_image(0) == found[0]
    assert f"image {pointers[1]} cannot be read: there is no such object (404 NoSuchKey)" == found[1]
    assert "the image changed since it was ingested: run `dsvc ingest`" == found[2]
    assert f"image {pointers[3]} cannot be read: access is denied (403 AccessDenied)" == found[3]
    assert make_image(4) == found[4]


def test_a_batch_that_is_let_go_reads_nothing_more(s3):
    """Who stops in the middle does not pay for the rest."""
    pointers = [s3.put(f"{number}.jpg", make_image(number)) for number in range(60)]
    s3.proxy.requests.clear()
    pixels = PointerPixels(pointers, bounds=Bounds(images=8))
    _ = pixels[0]
    del pixels
    time.sleep(0.3)

    assert sum(s3.proxy.requests.values()) <= 9


def test_no_byte_of_an_image_is_left_anywhere(s3, tmp_path, monkeypatch, caplog):
    """Not in the temporary directory, the working directory, a log at its most talkative, or what an error says."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    images = [make_image(number) for number in range(8)]
    pointers = [s3.put(f"{number}.jpg", image) for number, image in enumerate(images)]
    (tmp_path / "a.jpg").write_bytes(images[0])
    s3.proxy.plan(pointers[2].removeprefix("s3:/"), Truncate(10_000))
    s3.proxy.plan(pointers[3].removeprefix("s3:/"), ResetBody(10_000))
    s3.proxy.plan(pointers[4].removeprefix("s3:/"), Status(403), forever=True)
    told = []
    with caplog.at_level(logging.DEBUG):
        pixels = PointerPixels([*pointers, (tmp_path / "a.jpg").as_uri()])
        for row in range(9):
            try:
                assert images[row % 8] == pixels[row]
            except ImageUnreadableError as err:
                told.append(repr(err) + str(err) + repr(err.__cause__))

    assert 1 == len(told)
    assert caplog.text
    assert_clean(images, caplog.text + "".join(told))
    assert [] == list(place.rglob("*"))


def assert_clean(images, *texts):
    """Check that no 16 bytes in a row of an image are in a text, in any of the ways in which bytes are written."""
    for text in texts:
        plain = text.encode() if isinstance(text, str) else text
        for image in images:
            for at in range(0, len(image) - 16, 2500):
                piece = image[at : at + 16]
                for shape in (piece, repr(piece)[2:-1].encode(), piece.hex().encode()):
                    assert shape not in plain, f"byte {at} of an image"


RECIPE = """
[feed.images]
plugin     = "files"
path       = "images.jsonl"
pointer    = "uri"
content_id = "etag"

[step.weight]
transform = "weight"
inputs = ["pixels"]
"""


class Weight(RecordTransform):
    """How many bytes an image has."""

    version, output, needs_pixels = "1", "int64", True

    def record(self, values, image):
        return len(image)


@pytest.fixture
def weighing(s3, tmp_path, monkeypatch):
    """A repository that has taken in six images with their ETags, and weighs them."""
    get_transform = Plugins.get_transform
    monkeypatch.setattr(
        Plugins, "get_transform", lambda self, name: Weight if name == "weight" else get_transform(self, name)
    )
    pointers = [s3.put(f"{number}.jpg", make_image(number)) for number in range(6)]
    with dsvc.init(tmp_path / "repo") as repo:
        (repo.path / "dsvc.toml").write_text(RECIPE)
        ingest(repo, s3, pointers)
        yield repo, pointers


def ingest(repo, s3, pointers):
    """Take in what the store says of images now."""
    etags = [s3.client.head_object(Bucket=s3.bucket, Key=pointer.rpartition("/")[2])["ETag"] for pointer in pointers]
    lines = [json.dumps({"uri": pointer, "etag": etag}) for pointer, etag in zip(pointers, etags, strict=True)]
    (repo.path / "images.jsonl").write_text("\n".join(lines))
    repo.ingest()


def read_weights(repo):
    """Return the weights of images by their number, of those that have one."""
    rows = repo.read("@draft", signals=["weight"]).to_pylist()
    return {int(row["source"].rpartition("/")[2][:-4]): row["weight"] for row in rows if row["weight"] is not None}


def test_an_image_that_changed_since_it_was_ingested_is_a_failure(s3, weighing):
    """Its record says so, and has a value after the next ingest and run; the others are not touched."""
    repo, pointers = weighing
    s3.put("2.jpg", make_image(2, 30_000))
    report = repo.run()

    assert 1 == report.failed
    assert {0, 1, 3, 4, 5} == set(read_weights(repo))
    ingest(repo, s3, pointers)
    report = repo.run()
    assert 0 == report.failed
    assert 30_007 == read_weights(repo)[2]


def test_no_byte_of_an_image_reaches_a_repository(s3, weighing, caplog):
    """After a run over S3 with faults, a failure and a commit, no file of the repository holds any of it."""
    repo, pointers = weighing
    s3.client.delete_object(Bucket=s3.bucket, Key="5.jpg")
    s3.proxy.plan(pointers[1].removeprefix("s3:/"), Truncate(10_000), Reset())
    with caplog.at_level(logging.DEBUG):
        report = repo.run()
        repo.commit("weights", as_is=True)

    assert 1 == report.failed
    assert dict.fromkeys(range(5), 20_007) == read_weights(repo)
    stored = [path.read_bytes() for path in repo.path.rglob("*") if path.is_file()]
    assert stored
    assert_clean([make_image(number) for number in range(6)], caplog.text, *stored)


def test_reading_writes_nothing(tmp_path, monkeypatch):
    """Every way to open for writing is an error while images are read ahead."""
    pointers = []
    for number in range(10):
        (tmp_path / f"{number}").write_bytes(make_image(number))
        pointers.append(f"file://{tmp_path}/{number}")
    real = os.open
    opened = []

    def guarded(path, flags, *more, **named):
        opened.append(path)
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), path
        return real(path, flags, *more, **named)

    monkeypatch.setattr(os, "open", guarded)
    before = sorted(tmp_path.rglob("*"))

    assert [make_image(number) for number in range(10)] == list(PointerPixels(pointers))
    assert before == sorted(tmp_path.rglob("*"))
