"""Signatures as S3 checks them: what boto3 signs is taken, and nothing else."""

import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from dsvc.testing.s3_signatures import MINUTE_US, Credential, Request, SignatureError, check_signature

boto3 = pytest.importorskip("boto3")
auth = pytest.importorskip("botocore.auth")
awsrequest = pytest.importorskip("botocore.awsrequest")
botocore_config = pytest.importorskip("botocore.config")
credentials = pytest.importorskip("botocore.credentials")

HOST = "http://127.0.0.1:9000"
KEY, SECRET = "AKIAONE", "wJalr/XUtn+FEMI"
KNOWN = {KEY: Credential(SECRET)}


def now_us():
    """Return the machine's time."""
    return time.time_ns() // 1000


def presigned(key="dsvc/0a1b", life_s=60, token=None, **parameters):
    """Return an address as boto3 signs it."""
    client = boto3.client(
        "s3",
        endpoint_url=HOST,
        region_name="eu-central-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        config=botocore_config.Config(signature_version="s3v4"),
    )
    return client.generate_presigned_url(
        "get_object", Params={"Bucket": "staging", "Key": key, **parameters}, ExpiresIn=life_s
    )


def fetched(address, method="GET", **headers):
    """Return the request that whoever has nothing but an address makes."""
    parts = urlsplit(address)
    return Request(method, parts.path, parts.query, {"host": parts.netloc, **headers})


def signed(method="PUT", path="/staging/a%20b", body=b"pixels", token=None, **headers):
    """Return a request as boto3 signs it in headers."""
    made = awsrequest.AWSRequest(method, HOST + path, data=body, headers=headers)
    auth.S3SigV4Auth(credentials.Credentials(KEY, SECRET, token), "s3", "us-east-1").add_auth(made)
    found = {name.lower(): value for name, value in made.prepare().headers.items()}
    return Request(method, *(urlsplit(HOST + path)[2:4]), {**found, "host": urlsplit(HOST).netloc}, body)


def refusal(request, known=KNOWN, at_us=None):
    """Return what S3 says of a request that it refuses."""
    with pytest.raises(SignatureError) as caught:
        check_signature(request, known, now_us() if at_us is None else at_us)
    return caught.value.code, caught.value.status


@pytest.mark.parametrize(
    "address",
    [
        pytest.param({}, id="plain"),
        pytest.param({"key": "ü b/+c.jpg"}, id="key-to-quote"),
        pytest.param({"ResponseContentType": "image/jpeg"}, id="with-parameters"),
    ],
)
def test_an_address_that_boto3_signed_is_taken(address):
    """With keys and parameters that have to be quoted."""
    assert KEY == check_signature(fetched(presigned(**address)), KNOWN, now_us())


@pytest.mark.parametrize("path", ["/staging/a%20b", "/staging?list-type=2&prefix=a%2Fb%2B&delimiter=%2F", "/staging/"])
def test_headers_that_boto3_signed_are_taken(path):
    """With paths and queries that have to be quoted."""
    assert KEY == check_signature(signed(path=path), KNOWN, now_us())


def test_whatever_was_signed_cannot_be_changed():
    """Neither the object, nor the method, nor the life, nor a parameter, nor the signature itself."""
    address = presigned(ResponseContentType="image/jpeg")
    changed = [
        fetched(address.replace("0a1b", "0a1c")),
        fetched(address, "DELETE"),
        fetched(address.replace("Expires=60", "Expires=600")),
        fetched(address.replace("image%2Fjpeg", "text%2Fhtml")),
        fetched(address[:-1] + ("0" if address[-1] != "0" else "1")),
        fetched(address.replace("127.0.0.1", "127.0.0.2")),
        fetched(address + "&versionId=1"),
    ]

    assert [("SignatureDoesNotMatch", 403)] * 7 == [refusal(request) for request in changed]


def test_an_address_runs_out():
    """To the second; and one whose time comes later than clocks may differ is not taken yet."""
    request, now = fetched(presigned(life_s=60)), now_us()
    check_signature(request, KNOWN, now + 58_000_000)
    check_signature(request, KNOWN, now - 14 * MINUTE_US)

    assert ("AccessDenied", 403) == refusal(request, at_us=now + 61_000_000)
    assert ("AccessDenied", 403) == refusal(request, at_us=now - 16 * MINUTE_US)


def test_a_signer_s_time_is_translated():
    """A world whose clock has jumped since."""
    request = fetched(presigned(life_s=60))
    ahead = 30 * MINUTE_US

    assert KEY == check_signature(request, KNOWN, now_us() + ahead, lambda wall_us: wall_us + ahead)


def test_signed_headers_hold_for_fifteen_minutes():
    """Either way."""
    request, now = signed(), now_us()
    check_signature(request, KNOWN, now + 14 * MINUTE_US)

    told = [refusal(request, at_us=now + by * MINUTE_US) for by in (16, -16)]
    assert [("RequestTimeTooSkewed", 403)] * 2 == told


def test_a_body_and_its_conditions_are_signed():
    """Another body is refused; so is a header of S3's that was added."""
    request = signed()
    other = Request(request.method, request.path, request.query, request.headers, b"other")
    added = Request(request.method, request.path, request.query, {**request.headers, "x-amz-meta-a": "b"}, request.body)

    assert ("XAmzContentSHA256Mismatch", 400) == refusal(other)
    assert ("AccessDenied", 403) == refusal(added)


def test_nobody_else_is_taken():
    """Unsigned, with a key that nobody has, with another secret, or another kind of signature."""
    bare = Request("GET", "/staging/0a1b", "", {"host": "127.0.0.1"})
    basic = Request("GET", "/staging/0a1b", "", {"host": "127.0.0.1", "authorization": "Basic YTpi"})

    assert [("AccessDenied", 403)] * 2 == [refusal(bare), refusal(basic)]
    assert ("InvalidAccessKeyId", 403) == refusal(signed(), {})
    assert ("SignatureDoesNotMatch", 403) == refusal(signed(), {KEY: Credential("other")})


def test_an_address_cannot_live_for_longer_than_a_week():
    """And one that lacks a part is none."""
    address = presigned(life_s=8 * 86_400)

    assert ("AuthorizationQueryParametersError", 400) == refusal(fetched(address))
    assert ("AuthorizationQueryParametersError", 400) == refusal(fetched(address.partition("&")[0]))


def test_a_session_takes_its_addresses_with_it():
    """However long they were to live; and another word than its own is none."""
    ends = now_us() + 10 * MINUTE_US
    known = {KEY: Credential(SECRET, "word", ends)}
    request = fetched(presigned(life_s=3600, token="word"))

    assert KEY == check_signature(request, known, now_us())
    assert KEY == check_signature(signed(token="word"), known, now_us())
    assert ("ExpiredToken", 400) == refusal(request, known, ends)
    assert ("InvalidToken", 400) == refusal(fetched(presigned(life_s=3600)), known)
    assert ("InvalidToken", 400) == refusal(fetched(presigned(token="old")), known)


def test_a_time_that_is_none_is_refused():
    """As anything unreadable."""
    request = signed()
    stamp = datetime.now(UTC).strftime("%Y%m%d") + "Tnever"
    headers = {**request.headers, "x-amz-date": stamp}

    assert ("AccessDenied", 403) == refusal(Request("PUT", request.path, "", headers, request.body))
