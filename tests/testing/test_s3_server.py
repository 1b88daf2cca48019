"""The server of S3's interface that is as strict as S3."""

import http.client
import itertools
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from dsvc.annotation.staging.s3 import S3Staging
from dsvc.testing.http_faults import Slow, Status
from dsvc.testing.s3_buckets import LIFECYCLE, ROLLING, daily_sweep
from dsvc.testing.s3_server import Lost, S3Server, Served
from dsvc.testing.s3_signatures import Credential
from dsvc.testing.staging import StagingTests

boto3 = pytest.importorskip("boto3")
botocore_config = pytest.importorskip("botocore.config")
exceptions = pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.service

DAY = {"ID": "gone", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
_numbers = itertools.count()


def client_of(server, **fields):
    """Return a client that tries once."""
    who = {"aws_access_key_id": server.key, "aws_secret_access_key": server.secret, **fields}
    config = botocore_config.Config(signature_version="s3v4", retries={"total_max_attempts": 1}, read_timeout=10)
    return boto3.session.Session().client("s3", endpoint_url=server.url, region_name="us-east-1", config=config, **who)


@pytest.fixture(scope="module")
def server():
    """Give a server that runs."""
    with S3Server() as made:
        yield made


@pytest.fixture(scope="module")
def client(server):
    """Give a client of it."""
    made = client_of(server)
    yield made
    made.close()


@pytest.fixture
def bucket(server):
    """Make a bucket that expires nothing."""
    name = f"staging-{next(_numbers)}"
    server.make_bucket(name)
    return name


def fetch(address):
    """Return what a browser that has nothing but an address gets: status and body."""
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as err:
        with err:
            return err.code, err.read()


def code_of(caught):
    """Return S3's word for an error."""
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


class TestStaging(StagingTests):
    """The product's staging store works on it as on S3."""

    @pytest.fixture
    def staging(self, client, bucket):
        """An empty store with a rule."""
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [DAY]})
        return S3Staging(bucket, "dsvc", client=client)


def test_objects_come_back_as_they_were_put(client, bucket):
    """Bytes, what they are served with, and their MD5; also a part of one."""
    client.put_object(
        Bucket=bucket, Key="dsvc/ü b+.png", Body=b"pixels", ContentType="image/png", Metadata={"word": "a"}
    )
    found = client.get_object(Bucket=bucket, Key="dsvc/ü b+.png")
    part = client.get_object(Bucket=bucket, Key="dsvc/ü b+.png", Range="bytes=1-2")

    assert (b"pixels", b"ix") == (found["Body"].read(), part["Body"].read())
    assert ("image/png", {"word": "a"}, 6) == (found["ContentType"], found["Metadata"], found["ContentLength"])
    assert "bytes 1-2/6" == part["ContentRange"]


def test_keys_are_listed_in_pages(client, bucket):
    """Also those that have to be quoted."""
    keys = [f"dsvc/{number:02} ü+&" for number in range(7)]
    for key in keys:
        client.put_object(Bucket=bucket, Key=key, Body=b"x")
    client.put_object(Bucket=bucket, Key="other", Body=b"x")
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="dsvc/", PaginationConfig={"PageSize": 3}
    )

    assert [keys[:3], keys[3:6], keys[6:]] == [[found["Key"] for found in page["Contents"]] for page in pages]


def test_a_signed_address_works_until_it_runs_out(server, client, bucket):
    """And not a second longer; one signed afterwards works again."""
    client.put_object(Bucket=bucket, Key="0a", Body=b"pixels")
    wanted = {"Bucket": bucket, "Key": "0a"}
    address = client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=60)
    before = fetch(address)
    server.clock.advance(seconds=61)
    after = fetch(address)
    again = fetch(client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=60))

    assert (200, b"pixels") == before == again
    assert (403, True) == (after[0], b"AccessDenied" in after[1])


def test_nobody_without_a_right_signature_is_served(server, client, bucket):
    """An anonymous one, a changed address, another secret, a key that nobody has: 403, and no byte."""
    client.put_object(Bucket=bucket, Key="0a", Body=b"pixels")
    wanted = {"Bucket": bucket, "Key": "0a"}
    address = client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=60)
    tampered = address.replace("Expires=60", "Expires=61")
    answers = [fetch(f"{server.url}/{bucket}/0a"), fetch(tampered)]
    for who in ({"aws_secret_access_key": "other"}, {"aws_access_key_id": "AKIANOBODY"}):
        with pytest.raises(exceptions.ClientError) as caught:
            client_of(server, **who).get_object(**wanted)
        answers.append((code_of(caught)[0], caught.value.response["Error"]["Code"].encode()))

    codes = ["AccessDenied", "SignatureDoesNotMatch", "SignatureDoesNotMatch", "InvalidAccessKeyId"]
    assert [403] * 4 == [status for status, _ in answers]
    assert all(code.encode() in text for code, (_, text) in zip(codes, answers, strict=True))
    assert not any(b"pixels" in text for _, text in answers)


def test_an_address_dies_with_the_session_that_signed_it(server, bucket):
    """Also where it was to live for longer."""
    server.credentials["ASIAONE"] = Credential("hush", "word", server.clock() + 600_000_000)
    session = client_of(server, aws_access_key_id="ASIAONE", aws_secret_access_key="hush", aws_session_token="word")
    session.put_object(Bucket=bucket, Key="0a", Body=b"pixels")
    address = session.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "0a"}, ExpiresIn=3600)
    before = fetch(address)
    server.clock.advance(seconds=601)
    after = fetch(address)

    assert (200, b"pixels") == before
    assert (400, True) == (after[0], b"ExpiredToken" in after[1])


@pytest.mark.parametrize(("skew_min", "status"), [(5, 403), (-5, 200), (-20, 403)])
def test_clocks_that_differ(skew_min, status):
    """A store that is ahead refuses an address of a minute at once; one that is behind waits up to 15 minutes."""
    with S3Server(skew_s=skew_min * 60) as server:
        server.make_bucket("staging").put("0a", b"pixels")
        address = client_of(server).generate_presigned_url(
            "get_object", Params={"Bucket": "staging", "Key": "0a"}, ExpiresIn=60
        )

        assert status == fetch(address)[0]


def test_an_etag_is_no_condition_of_a_creation(client, bucket):
    """S3 knows `If-None-Match: *` alone and refuses others; `If-Match` holds."""
    client.put_object(Bucket=bucket, Key="0a", Body=b"one", IfNoneMatch="*")
    etag = client.head_object(Bucket=bucket, Key="0a")["ETag"]
    told = []
    for condition in ({"IfNoneMatch": etag}, {"IfNoneMatch": "*"}, {"IfMatch": '"stale"'}):
        with pytest.raises(exceptions.ClientError) as caught:
            client.put_object(Bucket=bucket, Key="0a", Body=b"two", **condition)
        told.append(code_of(caught))
    client.put_object(Bucket=bucket, Key="0a", Body=b"three", IfMatch=etag)

    assert [(501, "NotImplemented"), (412, "PreconditionFailed"), (412, "PreconditionFailed")] == told
    assert b"three" == client.get_object(Bucket=bucket, Key="0a")["Body"].read()


@pytest.mark.parametrize(
    ("rule", "is_there_after_23h", "is_there_after_25h"),
    [(ROLLING, True, False), (daily_sweep(0), False, False), (LIFECYCLE, True, True), (None, True, True)],
)
def test_objects_go_on_the_server_s_clock(rule, is_there_after_23h, is_there_after_25h):
    """What the rule deleted is not found, neither by its owner nor through a fresh address."""
    with S3Server() as server:
        client = client_of(server)
        server.make_bucket("staging", rule=rule)
        client.put_bucket_lifecycle_configuration(Bucket="staging", LifecycleConfiguration={"Rules": [DAY]})
        # Put at 01:00, so that a sweep at midnight comes before 23 hours are over and a lifecycle's after 25.
        server.clock.advance(hours=25 - server.clock() / 3.6e9 % 24)
        put = client.put_object(Bucket="staging", Key="0a", Body=b"pixels")
        server.clock.advance(23)
        first = _is_there(client)
        server.clock.advance(2)
        second = _is_there(client)

        assert (is_there_after_23h, is_there_after_25h) == (first, second)
        assert (rule is not None) == ("expiry-date" in put.get("Expiration", ""))


def _is_there(client):
    """Tell whether an object is listed; a fresh address must say the same."""
    address = client.generate_presigned_url("get_object", Params={"Bucket": "staging", "Key": "0a"}, ExpiresIn=60)
    status, _ = fetch(address)
    is_listed = client.list_objects_v2(Bucket="staging")["KeyCount"] == 1

    assert (200 if is_listed else 404) == status
    return is_listed


def test_faults_are_of_the_next_requests(server, client, bucket):
    """A refusal does nothing; a lost answer is one of a request that was done; a slow one comes."""
    server.plan("PUT", Status(503, "SlowDown"), Lost(), Slow(0.01), bucket=bucket)
    with pytest.raises(exceptions.ClientError) as refused:
        client.put_object(Bucket=bucket, Key="0a", Body=b"x")
    with pytest.raises(exceptions.HTTPClientError):
        client.put_object(Bucket=bucket, Key="0b", Body=b"x")
    client.put_object(Bucket=bucket, Key="0c", Body=b"x")
    keys = [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]]

    assert (503, "SlowDown") == code_of(refused)
    assert ["0b", "0c"] == keys


def test_what_it_does_not_know_it_refuses(server, client, bucket):
    """Rather than doing something else."""
    wanted = {"Bucket": bucket, "Key": "0a"}
    calls = [
        lambda: client.create_multipart_upload(**wanted),
        lambda: client.put_object_tagging(**wanted, Tagging={"TagSet": []}),
        lambda: client.copy_object(**wanted, CopySource=f"{bucket}/0b"),
        lambda: client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"}),
        lambda: client.list_objects(Bucket=bucket),
    ]
    told = []
    for call in calls:
        with pytest.raises(exceptions.ClientError) as caught:
            call()
        told.append(code_of(caught)[0])

    assert [501] * 5 == told
    with pytest.raises(exceptions.ClientError, match="NoSuchBucket"):
        client.list_objects_v2(Bucket="nowhere")
    with pytest.raises(exceptions.ClientError, match="BucketAlreadyOwnedByYou"):
        client.create_bucket(Bucket=bucket)


def test_what_was_served_is_remembered(server, client, bucket):
    """By method, key and answer, and whether the signature was in the address."""
    before = len(server.served)
    client.put_object(Bucket=bucket, Key="0a", Body=b"x")
    fetch(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "0a"}, ExpiresIn=60))
    fetch(f"{server.url}/{bucket}/0a")

    assert [
        Served("PUT", bucket, "0a", 200),
        Served("GET", bucket, "0a", 200, "", True),
        Served("GET", bucket, "0a", 403, "AccessDenied"),
    ] == server.served[before:]


def test_it_is_found_by_its_environment(server, bucket, monkeypatch):
    """As the product finds a store."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    staging = S3Staging(bucket)

    assert staging.put("0a", b"pixels", "image/png") is not None
    assert (200, b"pixels") == fetch(staging.sign("0a", 60))


def test_a_connection_is_kept(server):
    """One connection answers many requests, errors among them."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    statuses = []
    for _ in range(3):
        connection.request("GET", "/staging/0a")
        with connection.getresponse() as answer:
            statuses.append(answer.status)
            answer.read()
    connection.close()

    assert [403] * 3 == statuses
