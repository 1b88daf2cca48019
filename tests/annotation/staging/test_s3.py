"""A bucket as staging store, on a server of S3's interface."""

import itertools
import os
import urllib.request

import pytest

from dsvc.annotation.staging.s3 import S3Staging
from dsvc.annotation.staging.store import EXPIRY_RULE, find_foreign, require_expiry_rule
from dsvc.errors import StagingError, StorePermissionError, StoreUnavailableError
from dsvc.testing.s3 import ENVIRONMENT, S3UnavailableError, running_s3
from dsvc.testing.staging import StagingTests

boto3 = pytest.importorskip("boto3")
botocore_config = pytest.importorskip("botocore.config")
exceptions = pytest.importorskip("botocore.exceptions")
pytestmark = pytest.mark.service

_numbers = itertools.count()
DAY = {"ID": "gone", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}


@pytest.fixture(scope="module")
def client():
    """Give a client of the server."""
    try:
        with running_s3() as url:
            made = boto3.session.Session().client(
                "s3",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", ENVIRONMENT["AWS_ACCESS_KEY_ID"]),
                aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", ENVIRONMENT["AWS_SECRET_ACCESS_KEY"]),
                config=botocore_config.Config(
                    signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}
                ),
            )
            yield made
            made.close()
    except S3UnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture
def bucket(client):
    """Make a bucket."""
    name = f"staging-{os.getpid()}-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    return name


class TestS3Staging(StagingTests):
    @pytest.fixture
    def staging(self, client, bucket):
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [DAY]})
        return S3Staging(bucket, "dsvc", client=client)


def rule_of(staging):
    """Tell whether the store's rule is well."""
    [found] = [finding for finding in staging.check() if finding.what == EXPIRY_RULE]
    return found.is_well


def test_a_rule_must_cover_all_of_it_and_be_a_day(client, bucket):
    """A rule of another prefix, of some tags, of two days, or one that is off, is none; a declared one counts."""
    staging = S3Staging(bucket, "dsvc/", client=client)
    assert not rule_of(staging)
    for rule, is_well in (
        (DAY, True),
        ({**DAY, "Filter": {"Prefix": "dsvc/"}}, True),
        ({**DAY, "Filter": {"Prefix": "other/"}}, False),
        ({**DAY, "Filter": {"Tag": {"Key": "a", "Value": "b"}}}, False),
        ({**DAY, "Expiration": {"Days": 2}}, False),
        ({**DAY, "Status": "Disabled"}, False),
    ):
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
        assert is_well == rule_of(staging)
    assert rule_of(S3Staging(bucket, "dsvc", client=client, declared_rule="emptied at midnight"))
    with pytest.raises(StagingError, match="expiry rule"):
        require_expiry_rule(staging)


def test_a_bucket_that_keeps_versions_is_found(client, bucket):
    """A deleted image would stay there."""
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    findings = {finding.what: finding for finding in S3Staging(bucket, client=client).check()}
    assert not findings["versions"].is_well
    with pytest.raises(StagingError, match="old versions"):
        require_expiry_rule(S3Staging(bucket, client=client, declared_rule="emptied at midnight"))


def test_a_signed_address_is_looked_at_as_a_browser_would(client, bucket):
    """Well where it is shown; not where the store refuses it, whatever was configured. Nothing is left behind."""
    staging = S3Staging(bucket, "dsvc", client=client)
    stranger = S3Staging(bucket, "dsvc", client=client)
    stranger.sign = lambda key, life_s: staging.sign(key + "0", life_s)
    told = [[found for found in one.check() if found.what == "signed address"] for one in (staging, stranger)]

    assert [(True, "shown; the store takes it for 24 h")] == [(x.is_well, x.found) for x in told[0]]
    assert [(False, "the store answers 404 to one that is signed for 24 h")] == [(x.is_well, x.found) for x in told[1]]
    assert [] == list(staging.iter_objects())


def test_a_probe_says_that_creation_is_exclusive(client, bucket):
    """And leaves nothing behind."""
    staging = S3Staging(bucket, "dsvc", client=client)

    assert ["honoured"] == [x.found for x in staging.check() if x.what == "conditional create"]
    assert [] == list(staging.iter_objects())


def test_a_folder_is_no_other_thing(client, bucket):
    """Consoles put an empty object where somebody makes one; what lies in it is."""
    client.put_object(Bucket=bucket, Key="dsvc/", Body=b"")
    assert find_foreign(S3Staging(bucket, "dsvc", client=client)).is_well
    client.put_object(Bucket=bucket, Key="dsvc/2026/face.jpg", Body=b"x")

    assert not find_foreign(S3Staging(bucket, "dsvc", client=client)).is_well


def test_a_signed_address_shows_the_copy(client, bucket):
    """As an annotator's browser fetches it, with nothing but the address, and no cache may keep it."""
    staging = S3Staging(bucket, "dsvc", client=client)
    staging.put("0a1b", b"pixels", "image/png")

    with urllib.request.urlopen(staging.sign("0a1b", 60), timeout=10) as answer:
        assert b"pixels" == answer.read()
        assert "image/png" == answer.headers["Content-Type"]
        assert "no-store" == answer.headers["Cache-Control"]
    assert f"s3://{bucket}/dsvc/0a1b" == staging.uri("0a1b")


class Lossy:
    """A client whose answers to puts are lost, before or after the server did them."""

    def __init__(self, client, faults):
        self._client, self._faults = client, faults

    def __getattr__(self, name):
        return getattr(self._client, name)

    def put_object(self, **wanted):
        fault = self._faults.pop(0) if self._faults else None
        if fault == "before":
            raise exceptions.ReadTimeoutError(endpoint_url="http://x")
        answer = self._client.put_object(**wanted)
        if fault == "after":
            raise exceptions.ReadTimeoutError(endpoint_url="http://x")
        if fault == "500":
            raise exceptions.ClientError(
                {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}, "PutObject"
            )
        return answer


@pytest.mark.parametrize("faults", [["after"], ["500"], ["before"], ["before", "after"], ["before", "500"]])
def test_a_lost_answer_is_looked_up(client, bucket, faults):
    """A copy that was put is ours, whatever became of the answer; one that was not is put again."""
    staging = S3Staging(bucket, client=Lossy(client, faults))

    assert staging.put("0a", b"x", "image/png") is not None
    assert 1 == len(list(staging.iter_objects()))


def test_a_lost_answer_does_not_claim_what_is_another_s(client, bucket):
    """The object tells who put it."""
    S3Staging(bucket, client=client).put("0a", b"theirs", "image/png")

    assert S3Staging(bucket, client=Lossy(client, ["before"])).put("0a", b"x", "image/png") is None


def test_a_store_that_is_away_or_refuses_is_said(client, bucket):
    """By the house's errors, which carry no credentials and no image."""
    with pytest.raises(StoreUnavailableError):
        S3Staging(bucket, client=Lossy(client, ["before"] * 9)).put("0a", b"secret", "image/png")

    class Refusing(Lossy):
        def put_object(self, **wanted):
            answer = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
            raise exceptions.ClientError(answer, "PutObject")

    with pytest.raises(StorePermissionError) as caught:
        S3Staging(bucket, client=Refusing(client, [])).put("0a", b"secret", "image/png")
    assert "secret" not in str(caught.value)


def test_a_store_that_is_away_is_not_refused(monkeypatch):
    """Nothing is known of its rule or its versions then: it may be well, and the next pass asks again."""
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreUnavailableError) as caught:
        require_expiry_rule(S3Staging("bucket", "p"))
    assert caught.value.retryable
