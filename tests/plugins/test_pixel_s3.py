"""Images behind s3:// pointers, from a real server of that interface, with the faults of real networks before it."""

import subprocess
import sys

import pytest

from dsvc.errors import ImageChangedError, ImageUnreadableError, PluginError, PointerError
from dsvc.plugins import pixel_s3
from dsvc.plugins.pixel_s3 import get_client, is_changed, read_s3, split_pointer
from dsvc.plugins.retries import Retries
from dsvc.testing.http_faults import Reset, ResetBody, Slow, Status, Truncate

IMAGE = b"\xff\xd8\xff" + bytes(range(256)) * 800
QUICK = Retries(tries=4, first_wait_s=0.001, time_s=20)


def always(_):
    """Say that there is room."""
    return True


def read(pointer, content_id=None, retries=QUICK):
    """Read an object, with few tries and short waits."""
    return read_s3(pointer, content_id, always, retries=retries)


def path_of(pointer):
    """Return what a request for it names."""
    return pointer.removeprefix("s3:/")


@pytest.mark.parametrize("key", ["a.jpg", "2026/03/a b.jpg", "ü/100%.jpg", "a%20b.jpg", "a#1?b=c&d.jpg", "a+b.jpg"])
def test_an_object_is_read_whole_by_its_key_as_it_is(s3, key):
    """Whatever signs the key has: nothing in a pointer is decoded."""
    assert read(s3.put(key, IMAGE)) == IMAGE


@pytest.mark.parametrize("pointer", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://"])
def test_a_pointer_names_a_bucket_and_a_key(pointer):
    """Else it says what was expected."""
    with pytest.raises(PointerError, match="expected s3://bucket/key"):
        split_pointer(pointer)


def test_a_name_that_no_bucket_can_have_is_refused(s3):
    """As a pointer that is wrong, without a request."""
    with pytest.raises(PointerError, match="valid name of a bucket"):
        read("s3://a bucket/key")


def test_there_must_be_room_for_it(s3):
    """The size is told before the body is read; without room the body is left."""
    told = []

    assert read_s3(s3.put("a", IMAGE), None, lambda size: told.append(size) or False, retries=QUICK) is None
    assert [len(IMAGE)] == told


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([Status(500)], id="500"),
        pytest.param([Status(503, "SlowDown"), Status(503, "SlowDown")], id="503 slow down"),
        pytest.param([Status(429, "TooManyRequests")], id="429"),
        pytest.param([Status(400, "RequestTimeout")], id="a time-out of the server's, which S3 calls 400"),
        pytest.param([Reset(), Reset()], id="reset before an answer"),
        pytest.param([Truncate(1000)], id="body that ends early"),
        pytest.param([Truncate(0)], id="body that never begins"),
        pytest.param([ResetBody(150_000)], id="reset in the middle of the body"),
        pytest.param([Status(502), Reset(), Truncate(70_000)], id="one after the other"),
    ],
)
def test_what_passes_is_tried_again(s3, faults):
    """Until the image is there, whole and as it is."""
    pointer = s3.put("a.jpg", IMAGE)
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), *faults)

    assert read(pointer) == IMAGE
    assert len(faults) + 1 == s3.proxy.requests[path_of(pointer)]


@pytest.mark.parametrize(
    "fault,reason",
    [
        pytest.param(Status(500), "the store answered 500 InternalError", id="500"),
        pytest.param(Status(503, "SlowDown"), "the store answered 503 SlowDown", id="503"),
        pytest.param(Reset(), "the connection was lost", id="reset"),
        pytest.param(Truncate(1000), "the body was not whole", id="truncated"),
        pytest.param(ResetBody(1000), "the connection was lost", id="reset within the body"),
    ],
)
def test_what_does_not_pass_is_told_in_the_end(s3, fault, reason):
    """After a bounded number of tries, with their number and what to do later."""
    pointer = s3.put("a.jpg", IMAGE)
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), fault, forever=True)
    with pytest.raises(ImageUnreadableError) as caught:
        read(pointer)

    told = str(caught.value)
    assert told.startswith(f"image {pointer} cannot be read: {reason}"), told
    assert "; tried 4 times in " in told
    assert "run `dsvc run --retry-failed` once the store is well" == caught.value.hint
    assert 4 == s3.proxy.requests[path_of(pointer)]


@pytest.mark.parametrize(
    "fault,reason",
    [
        (Status(403, "AccessDenied"), "access is denied (403 AccessDenied)"),
        (Status(404, "NoSuchKey"), "there is no such object (404 NoSuchKey)"),
        (Status(400, "InvalidRequest"), "the store refused (400 InvalidRequest)"),
    ],
    ids=["403", "404", "400"],
)
def test_a_refusal_is_not_tried_again(s3, fault, reason):
    """It will not be another the next time."""
    pointer = s3.put("a.jpg", IMAGE)
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), fault, forever=True)
    with pytest.raises(ImageUnreadableError) as caught:
        read(pointer)

    assert reason == caught.value.reason
    assert 1 == s3.proxy.requests[path_of(pointer)]


def test_what_is_not_there_is_told(s3):
    """As the server itself says it: a key, and a bucket."""
    with pytest.raises(ImageUnreadableError, match="there is no such object"):
        read(f"s3://{s3.bucket}/gone.jpg")
    with pytest.raises(ImageUnreadableError, match="there is no such bucket"):
        read("s3://nobody-has-this-bucket/gone.jpg")


def test_a_server_that_cannot_be_reached_is_told(s3, monkeypatch):
    """After the tries that there are."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    pixel_s3.forget_client()

    with pytest.raises(ImageUnreadableError, match="the store cannot be reached; tried 4 times"):
        read(f"s3://{s3.bucket}/a.jpg")


def test_a_server_that_says_nothing_is_not_waited_for(s3, monkeypatch):
    """A read that brings nothing for too long counts as lost, and is tried again."""
    pointer = s3.put("a.jpg", IMAGE)
    monkeypatch.setattr(pixel_s3, "SILENCE_S", 0.2)
    pixel_s3.forget_client()
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), Slow(1.0))

    assert read(pointer) == IMAGE
    assert 2 == s3.proxy.requests[path_of(pointer)]


def test_a_slow_answer_is_waited_for(s3):
    """Slow is no fault."""
    pointer = s3.put("a.jpg", IMAGE)
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), Slow(0.2))

    assert read(pointer) == IMAGE
    assert 1 == s3.proxy.requests[path_of(pointer)]


def test_a_body_that_takes_too_long_is_given_up(s3):
    """The time that there is bounds the reading of a body too."""
    clock = iter(range(0, 10_000, 1))
    hurried = Retries(tries=3, time_s=2, first_wait_s=0, clock=lambda: float(next(clock)), wait=lambda *_: None)

    with pytest.raises(ImageUnreadableError, match=r"only [0-9,]+ of 1,024,015 bytes came in time"):
        read(s3.put("a.jpg", IMAGE * 5), retries=hurried)


def test_no_credentials_are_told(s3, monkeypatch):
    """In boto3's own words; it is not tried again."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    pixel_s3.forget_client()

    with pytest.raises(ImageUnreadableError, match="cannot be read: Unable to locate credentials"):
        read(f"s3://{s3.bucket}/a.jpg")


def test_an_outage_does_not_cost_every_image_all_its_tries(s3):
    """After some images that no try brought each is tried once, until one is read; what is refused was answered."""
    pointer = s3.put("a.jpg", b"x")
    policy = Retries(tries=3, first_wait_s=0.0, time_s=20)
    s3.proxy.requests.clear()
    s3.proxy.plan(path_of(pointer), Status(500), forever=True)

    def count(n_images):
        before = s3.proxy.requests[path_of(pointer)]
        for _ in range(n_images):
            with pytest.raises(ImageUnreadableError):
                read(pointer, retries=policy)
        return s3.proxy.requests[path_of(pointer)] - before

    assert 3 * pixel_s3.OUTAGE == count(pixel_s3.OUTAGE)
    assert 5 == count(5)
    s3.proxy.heal()
    assert b"x" == read(pointer, retries=policy)
    s3.proxy.plan(path_of(pointer), Status(500), forever=True)
    assert 3 == count(1)
    assert 3 * pixel_s3.OUTAGE - 3 == count(pixel_s3.OUTAGE - 1)
    with pytest.raises(ImageUnreadableError, match="no such object"):
        read(f"s3://{s3.bucket}/gone.jpg")
    assert 3 == count(1)


class TestChange:
    """An object whose ETag is another than the one that was ingested."""

    def test_the_same_object_is_read(self, s3):
        """However its ETag is written."""
        pointer = s3.put("a.jpg", IMAGE)
        etag = s3.client.head_object(Bucket=s3.bucket, Key="a.jpg")["ETag"]

        for content_id in (etag, etag.strip('"'), f"W/{etag}", etag.upper(), None):
            assert read(pointer, content_id) == IMAGE

    def test_another_object_is_refused(self, s3):
        """With what to do."""
        pointer = s3.put("a.jpg", IMAGE)
        etag = s3.client.head_object(Bucket=s3.bucket, Key="a.jpg")["ETag"]
        s3.put("a.jpg", IMAGE + b"more")
        with pytest.raises(ImageChangedError) as caught:
            read(pointer, etag)

        assert "the image changed since it was ingested: run `dsvc ingest`" == str(caught.value)

    def test_another_object_that_came_in_parts_is_refused_unread(self, s3):
        """An ETag with a count of parts is the hash of nothing that could be compared."""
        admitted = []
        with pytest.raises(ImageChangedError):
            read_s3(s3.put("a.jpg", IMAGE), f"{'0' * 32}-2", admitted.append, retries=QUICK)

        assert [] == admitted

    def test_the_same_bytes_under_another_etag_are_no_change(self, s3):
        """Copied in parts, the object has another ETag; its MD5 tells that it is the same image."""
        whole = bytes(6_000_000)
        s3.put("a.jpg", whole)
        etag = s3.client.head_object(Bucket=s3.bucket, Key="a.jpg")["ETag"]
        upload = s3.client.create_multipart_upload(Bucket=s3.bucket, Key="a.jpg")["UploadId"]
        pieces = [whole[:5_242_880], whole[5_242_880:]]
        parts = []
        for number, piece in enumerate(pieces, start=1):
            named = {"Bucket": s3.bucket, "Key": "a.jpg", "UploadId": upload, "PartNumber": number}
            parts.append({"PartNumber": number, "ETag": s3.client.upload_part(**named, Body=piece)["ETag"]})
        s3.client.complete_multipart_upload(
            Bucket=s3.bucket, Key="a.jpg", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        now = s3.client.head_object(Bucket=s3.bucket, Key="a.jpg")["ETag"]

        assert etag != now
        assert len(whole) == len(read(f"s3://{s3.bucket}/a.jpg", etag))

    @pytest.mark.parametrize(
        "before,now,expected",
        [
            ("0" * 32, "0" * 32, False),
            ("0" * 32, "1" * 32, True),
            ("0" * 32, f'"{"0" * 32}"', False),
            ("0" * 32, f'"{"0" * 32}-2"', True),
            (f"{'0' * 32}-2", f'"{"0" * 32}-3"', True),
            ("3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo", "1" * 32, False),
            ("v7", "1" * 32, False),
            ("0" * 64, "1" * 32, False),
            (None, "1" * 32, False),
            ("", "1" * 32, False),
            ("0" * 32, None, False),
            ("0" * 32, '""', False),
        ],
    )
    def test_only_two_etags_tell(self, before, now, expected):
        """A version id, a number or a hash of one's own says nothing; some servers give no ETag at all."""
        assert expected is is_changed(before, now)


def test_a_process_has_one_client(s3):
    """Threads may share it; another is made only when it was forgotten."""
    client = get_client()

    assert client is get_client()
    pixel_s3.forget_client()
    assert client is not get_client()


def test_without_boto3_it_is_said_what_to_install(s3, monkeypatch):
    """The extra has a name."""
    monkeypatch.setitem(sys.modules, "boto3.session", None)
    pixel_s3.forget_client()

    with pytest.raises(PluginError, match="needs boto3") as caught:
        read(f"s3://{s3.bucket}/a.jpg")
    assert "run `pip install 'dsvc[s3]'`" == caught.value.hint


def test_boto3_is_loaded_when_an_object_is_read():
    """Not by the module, so that who has files alone does without."""
    code = "import sys, dsvc.plugins.pixels, dsvc.plugins.pixel_s3; print({'boto3', 'botocore'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "set()" == done.stdout.strip()
