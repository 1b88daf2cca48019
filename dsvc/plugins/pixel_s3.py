"""Reading an image behind an `s3://bucket/key` pointer with boto3, which the extra `s3` installs.

Endpoint, region, credentials and certificates are boto3's business: its environment variables (AWS_ENDPOINT_URL,
AWS_PROFILE, ...), its files, the machine's role. A process has one client, which threads may share; sessions they may
not, so the client has a session of its own. Tries are counted here, and boto3's own switched off: one policy alone.

An ETag is 32 hex digits, for an object that came in parts with a count behind. Where a content id has that form and
the object has another ETag, the object is not the one that was ingested; but for one whose bytes have the content id
as their MD5: the same image was copied or encrypted in another way, or the content id was an MD5 from the beginning.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import md5
from io import BytesIO
from typing import Any, Final

from dsvc.errors import ImageChangedError, ImageUnreadableError, PluginError, PointerError
from dsvc.plugins.pixel_files import MAX_IMAGE_BYTES, Admit
from dsvc.plugins.retries import GivenUpError, Retries, TransientError

N_CONNECTIONS: Final = 32
"""Connections that the client keeps open: more than there are threads that read."""
CONNECT_S: Final = 5.0
SILENCE_S: Final = 20.0
"""How long a server may say nothing before a read counts as lost."""

OUTAGE: Final = 32
"""After so many images in a row that no try brought, each is tried but once until one is read: a run over a million
images ends while the store is away, instead of waiting for each."""

_PIECE_BYTES = 1 << 18
_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?", re.IGNORECASE)
_THROTTLED = {
    "BandwidthLimitExceeded",
    "InternalError",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
}
_TRANSIENT_STATUSES = {408, 425, 429}
_NOT_TAKEN = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
}
"""What a store says of credentials, whatever object they ask for."""
_REFUSALS = {403: "access is denied", 404: "there is no such object"}


@dataclass
class _Lost:
    """Images that no try brought, since one was read. Threads may miscount by a few: it is a threshold alone."""

    in_a_row: int = 0


_lock = threading.Lock()
_lost = _Lost()
_clients: list[Any] = []


def read_s3(
    pointer: str,
    content_id: str | None,
    admit: Admit,
    *,
    retries: Retries | None = None,
    given_up: threading.Event | None = None,
) -> bytes | None:
    """Return the bytes of the object that a pointer names; None, with its body left, where there is no room for it.

    Args:
        pointer: `s3://bucket/key`; the key as it is, nothing in it is decoded.
        content_id: What ingest found; compared with the object's ETag where it has the form of one.
        admit: Told the size before the body is read.
        retries: How often to try again after time-outs, resets, throttling, 5xx and bodies that end early.
        given_up: Once set, nothing is tried again.

    Raises:
        PointerError: If the pointer names no object.
        ImageChangedError: If the object is not the one that was ingested.
        ImageUnreadableError: If the store refuses it, or does not give it whole.
        PluginError: If boto3 is not installed.
    """
    bucket, key = split_pointer(pointer)
    client = get_client()

    def attempt(deadline: float) -> bytes | None:
        with _faults(pointer):
            answer = client.get_object(Bucket=bucket, Key=key)
            with closing(answer["Body"]) as body:
                has_changed = is_changed(content_id, answer.get("ETag"))
                if has_changed and "-" in (content_id or ""):  # no MD5 of the whole
                    raise ImageChangedError(pointer=pointer)
                size = int(answer["ContentLength"])
                if size > MAX_IMAGE_BYTES:
                    raise PointerError(pointer=pointer, rule=f"expected an object of at most {MAX_IMAGE_BYTES:,} bytes")
                if not admit(size):
                    return None
                image = _read_body(body, size, deadline, policy)
                if has_changed and md5(image, usedforsecurity=False).hexdigest() != _plain_etag(content_id):
                    raise ImageChangedError(pointer=pointer)
                return image

    policy = retries or Retries()
    if _lost.in_a_row >= OUTAGE:
        policy = replace(policy, tries=1)
    try:
        found = policy.call(attempt, given_up)
    except GivenUpError as err:
        if given_up is None or not given_up.is_set():
            _lost.in_a_row += 1
        hint = "run `dsvc run --retry-failed` once the store is well"
        raise ImageUnreadableError(pointer=pointer, reason=err.reason, is_away=True, hint=hint) from err
    except (ImageChangedError, ImageUnreadableError):
        _lost.in_a_row = 0  # it answered
        raise
    _lost.in_a_row = 0
    return found


def _read_body(body: Any, size: int, deadline: float, policy: Retries) -> bytes:
    buffer = BytesIO()  # getvalue() gives out its buffer, so that no image is in memory twice
    while piece := body.read(_PIECE_BYTES):
        buffer.write(piece)
        if policy.clock() > deadline:
            raise TransientError(f"only {buffer.tell():,} of {size:,} bytes came in time")
    if buffer.tell() != size:
        raise TransientError(f"the body ended after {buffer.tell():,} of {size:,} bytes")
    return buffer.getvalue()


def split_pointer(pointer: str) -> tuple[str, str]:
    """Return the bucket and the key that a pointer names.

    Raises:
        PointerError: If it names none.
    """
    bucket, slash, key = pointer.removeprefix("s3://").partition("/")
    if not (bucket and slash and key):
        raise PointerError(pointer=pointer, rule="expected s3://bucket/key")
    return bucket, key


def is_changed(content_id: str | None, etag: str | None) -> bool:
    """Tell whether an object is known to be another than the one whose content id was ingested.

    Only two ETags tell; a content id of another kind (a version id, a hash of one's own) says nothing here.
    """
    before, now = _plain_etag(content_id), _plain_etag(etag)
    return before is not None and now is not None and before != now


def _plain_etag(text: str | None) -> str | None:
    bare = (text or "").removeprefix("W/").strip('"')
    return bare.lower() if _ETAG.fullmatch(bare) else None


def get_client() -> Any:
    """Return this process's client, made when it is first asked for.

    Raises:
        PluginError: If boto3 is not installed.
    """
    with _lock:
        if not _clients:
            _clients.append(_make_client())
        return _clients[0]


def forget_client() -> None:
    """Let the next reading make a client anew, by the settings of then."""
    with _lock:
        _clients.clear()
        _lost.in_a_row = 0


def _make_client() -> Any:
    try:
        from boto3.session import Session
        from botocore.config import Config
    except ImportError as err:
        raise PluginError(
            plugin="pixels",
            hook="s3",
            reason="reading s3:// pointers needs boto3",
            hint="run `pip install 'dsvc[s3]'`",
        ) from err
    config = Config(
        connect_timeout=CONNECT_S,
        read_timeout=SILENCE_S,
        max_pool_connections=N_CONNECTIONS,
        retries={"total_max_attempts": 1, "mode": "standard"},
    )
    return Session().client("s3", config=config)


def _after_fork() -> None:
    """A child has none of the parent's connections, and a lock that nobody holds."""
    global _lock  # noqa: PLW0603 - the parent's may be held by a thread that the child does not have
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def _faults(pointer: str) -> Iterator[None]:
    """Turn what boto3 raises into a fault worth another try, or into the reason why there is no image."""
    from botocore import exceptions as aws

    try:
        yield
    except aws.ClientError as err:
        status = int(err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = str(err.response.get("Error", {}).get("Code", ""))
        answer = f"{status} {code}" if code and code != str(status) else str(status)
        if status >= 500 or status in _TRANSIENT_STATUSES or code in _THROTTLED:
            raise TransientError(f"the store answered {answer}") from err
        refusal = "there is no such bucket" if code == "NoSuchBucket" else _REFUSALS.get(status, "the store refused")
        is_away = code in _NOT_TAKEN
        raise ImageUnreadableError(pointer=pointer, reason=f"{refusal} ({answer})", is_away=is_away) from err
    except aws.SSLError as err:
        reason = "the store's certificate is not trusted"
        raise ImageUnreadableError(pointer=pointer, reason=reason, is_away=True) from err
    except (aws.ConnectTimeoutError, aws.ReadTimeoutError) as err:
        raise TransientError("the store did not answer in time") from err
    except aws.EndpointConnectionError as err:
        raise TransientError("the store cannot be reached") from err
    except aws.HTTPClientError as err:  # resets, and bodies that stop
        raise TransientError("the connection was lost") from err
    except (aws.IncompleteReadError, aws.FlexibleChecksumError) as err:
        raise TransientError("the body was not whole") from err
    except aws.ParamValidationError as err:
        raise PointerError(pointer=pointer, rule="expected s3://bucket/key with a valid name of a bucket") from err
    except aws.BotoCoreError as err:  # no credentials, no region, a broken profile: boto3 says it well
        raise ImageUnreadableError(pointer=pointer, reason=str(err), is_away=True) from err
