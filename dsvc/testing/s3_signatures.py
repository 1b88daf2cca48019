"""Whether a request to S3 is signed by somebody who may: version 4, in headers or in the address, as S3 checks it.

Written after the published description of the signature, not with a client's code, so that a client and this cannot
be wrong together. What S3 says of a request that it refuses is the code of `SignatureError`:

| code | status | when |
| --- | --- | --- |
| AccessDenied | 403 | unsigned; an address that ran out or begins later; an `x-amz-` header that is not signed |
| InvalidAccessKeyId | 403 | nobody has the key |
| SignatureDoesNotMatch | 403 | anything that is signed was changed |
| RequestTimeTooSkewed | 403 | a header's time is more than 15 minutes from the server's |
| ExpiredToken | 400 | the session of the credentials ended, also behind an address that has not |
| InvalidToken | 400 | it is not the session's word |
| AuthorizationQueryParametersError | 400 | an address that would live for more than a week, or lacks a part |
| XAmzContentSHA256Mismatch | 400 | the body is another than the one that was signed |

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

ALGORITHM: Final = "AWS4-HMAC-SHA256"
MINUTE_US: Final = 60_000_000
MAX_SKEW_US: Final = 15 * MINUTE_US
MAX_LIFE_S: Final = 7 * 86_400
_UNSIGNED = "UNSIGNED-PAYLOAD"
_IN_ADDRESS = ("Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature")


class SignatureError(Exception):
    """A request that S3 refuses."""

    def __init__(self, code: str, status: int = 403) -> None:
        super().__init__(code)
        self.code, self.status = code, status


@dataclass(frozen=True)
class Credential:
    """Who may.

    Attributes:
        secret: What requests are signed with.
        token: The session's word, None for credentials without a session.
        expires_us: When the session ends.
    """

    secret: str
    token: str | None = None
    expires_us: int | None = None


@dataclass(frozen=True)
class Request:
    """A request as it came.

    Attributes:
        method: In capitals.
        path: As it was sent.
        query: As it was sent.
        headers: By name in small letters.
        body: All of it.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def parameters(self) -> dict[str, str]:
        """Of the query, decoded."""
        return dict(_parameters(self.query))


@dataclass(frozen=True)
class _Claim:
    """What a request says of its own signature."""

    key: str
    scope: str
    region: str
    date: str
    signed: tuple[str, ...]
    signature: str
    expires_s: int | None = None


def check_signature(
    request: Request,
    credentials: Mapping[str, Credential],
    now_us: int,
    from_wall: Callable[[int], int] = lambda wall_us: wall_us,
) -> str:
    """Return the key that a request is signed with.

    Args:
        request: The request.
        credentials: Who may, by key.
        now_us: The server's time.
        from_wall: Turns the time of a signer's clock into the server's.

    Raises:
        SignatureError: If S3 would refuse it.
    """
    claim = _read_claim(request)
    credential = credentials.get(claim.key)
    if credential is None:
        raise SignatureError("InvalidAccessKeyId")
    _check_time(claim, from_wall(_wall_us(claim.date)), now_us)
    _check_session(request, credential, now_us)
    unsigned = {name for name in request.headers if name.startswith("x-amz-")} - set(claim.signed)
    if unsigned - {"x-amz-content-sha256"} or "host" not in claim.signed:
        raise SignatureError("AccessDenied")
    said = request.headers.get("x-amz-content-sha256", _UNSIGNED)
    if not hmac.compare_digest(_sign(request, claim, credential.secret, said), claim.signature):
        raise SignatureError("SignatureDoesNotMatch")
    if claim.expires_s is None and said not in (_UNSIGNED, hashlib.sha256(request.body).hexdigest()):
        raise SignatureError("XAmzContentSHA256Mismatch", 400)
    return claim.key


def _read_claim(request: Request) -> _Claim:
    given = request.parameters
    if any(name.startswith("X-Amz-") for name in given):
        found = {name: given.get(f"X-Amz-{name}", "") for name in _IN_ADDRESS}
        if not all(found.values()) or found["Algorithm"] != ALGORITHM or not found["Expires"].isdecimal():
            raise SignatureError("AuthorizationQueryParametersError", 400)
        expires_s = int(found["Expires"])
        if not 0 < expires_s <= MAX_LIFE_S:
            raise SignatureError("AuthorizationQueryParametersError", 400)
        date = found["Date"]
    else:
        kind, _, rest = request.headers.get("authorization", "").partition(" ")
        if kind != ALGORITHM:
            raise SignatureError("AccessDenied")
        parts = (part.strip().partition("=") for part in rest.split(","))
        found = {name: value for name, _, value in parts}
        expires_s, date = None, request.headers.get("x-amz-date", "")
    key, _, scope = found.get("Credential", "").partition("/")
    place = scope.split("/")
    if len(place) != 4 or place[2:] != ["s3", "aws4_request"] or place[0] != date[:8]:
        raise SignatureError("SignatureDoesNotMatch")
    signed = tuple(found.get("SignedHeaders", "").split(";"))
    return _Claim(key, scope, place[1], date, signed, found.get("Signature", ""), expires_s)


def _check_time(claim: _Claim, signed_us: int, now_us: int) -> None:
    if claim.expires_s is None:
        if abs(now_us - signed_us) > MAX_SKEW_US:
            raise SignatureError("RequestTimeTooSkewed")
    elif not signed_us - MAX_SKEW_US <= now_us <= signed_us + claim.expires_s * 1_000_000:
        raise SignatureError("AccessDenied")


def _check_session(request: Request, credential: Credential, now_us: int) -> None:
    sent = request.headers.get("x-amz-security-token") or request.parameters.get("X-Amz-Security-Token")
    if sent != credential.token:
        raise SignatureError("InvalidToken", 400)
    if credential.expires_us is not None and now_us >= credential.expires_us:
        raise SignatureError("ExpiredToken", 400)


def _sign(request: Request, claim: _Claim, secret: str, payload: str) -> str:
    pairs = sorted((_quoted(n), _quoted(v)) for n, v in _parameters(request.query) if n != "X-Amz-Signature")
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.signed]
    canonical = "\n".join(
        (
            request.method,
            quote(unquote(request.path), safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in pairs),
            "".join(headers),
            ";".join(claim.signed),
            payload,
        )
    )
    text = "\n".join((ALGORITHM, claim.date, claim.scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def _parameters(query: str) -> list[tuple[str, str]]:
    """Return names and values; a plus sign is one."""
    parts = (part.partition("=") for part in query.split("&") if part)
    return [(unquote(name), unquote(value)) for name, _, value in parts]


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")


def _wall_us(date: str) -> int:
    try:
        return int(datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()) * 1_000_000
    except ValueError as err:
        raise SignatureError("AccessDenied") from err
