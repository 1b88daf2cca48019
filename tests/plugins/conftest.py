"""A real S3 interface behind a proxy that makes faults, for tests that read pixels."""

from types import SimpleNamespace

import pytest

from dsvc.plugins import pixel_s3
from dsvc.testing.http_faults import FaultyProxy
from dsvc.testing.s3 import ENVIRONMENT, S3UnavailableError, running_s3


@pytest.fixture(scope="session", name="s3_url")
def _s3_url():
    """Address of a server that all tests of a process share."""
    pytest.importorskip("boto3")
    try:
        with running_s3() as url:
            yield url
    except S3UnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture
def s3(s3_url, monkeypatch, request):
    """A bucket of the test's own behind a faulty proxy, which boto3 finds by the usual variables."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with FaultyProxy(s3_url) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        pixel_s3.forget_client()
        client = pixel_s3.get_client()
        bucket = f"faces-{abs(hash(request.node.nodeid)):x}"
        client.create_bucket(Bucket=bucket)

        def put(key, body):
            """Keep an object; return its pointer."""
            client.put_object(Bucket=bucket, Key=key, Body=body)
            return f"s3://{bucket}/{key}"

        yield SimpleNamespace(put=put, client=client, bucket=bucket, proxy=proxy)
    pixel_s3.forget_client()
