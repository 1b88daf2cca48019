"""A server of S3's interface on loopback that is as strict as S3: what simpler stand-ins let pass is refused here.

    with S3Server() as server:
        bucket = server.make_bucket("staging", rule=ROLLING)
        client = boto3.client("s3", endpoint_url=server.url, ...)      # with server.key and server.secret
        server.clock.advance(25)                                       # hours: what has expired is gone
        server.plan("PUT", Lost())                                     # the next PUT is done, its answer never comes

Every request must be signed (`dsvc.testing.s3_signatures`), in its headers or in its address; addresses run out; a PUT
knows `If-None-Match: *` and refuses an ETag there with 501; buckets delete by their rule on the server's clock.
It is a thread of this process, whose requests come over real HTTP from anywhere on this machine.

Not there: parts, versions, tags, access lists, bodies in signed chunks. Who asks for them is told so by 501.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Self
from urllib.parse import quote, unquote
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from dsvc.testing.http_faults import Slow, Status
from dsvc.testing.jumping_clock import JumpingClock
from dsvc.testing.s3_buckets import Bucket, Held, PreconditionError, Rule
from dsvc.testing.s3_signatures import Credential, Request, SignatureError, check_signature

_NAMESPACE: Final = "http://s3.amazonaws.com/doc/2006-03-01/"
_KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding")
_MEANT = {"list-type", "lifecycle", "location", "versioning"}
_FOREIGN = {"uploads", "uploadId", "tagging", "acl", "versionId", "versions", "policy", "cors", "delete"}


@dataclass(frozen=True)
class Lost:
    """The request is done, and the connection is reset before its answer."""


Fault = Status | Slow | Lost


@dataclass(frozen=True)
class Served:
    """One request that came.

    Attributes:
        method: In capitals.
        bucket: Of the address, empty for none.
        key: Of the address, empty for the bucket itself.
        status: What was answered.
        code: S3's word for an error, empty for none.
        is_presigned: Whether the signature was in the address.
    """

    method: str
    bucket: str
    key: str
    status: int
    code: str = ""
    is_presigned: bool = False


@dataclass(frozen=True)
class _Answer:
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    code: str = ""


class S3Server:
    """The server; a context manager.

    Args:
        clock: The server's time; by default one of its own, which can jump.
        skew_s: How far its clock is ahead of those of who sign.
    """

    def __init__(self, clock: JumpingClock | None = None, *, skew_s: float = 0.0) -> None:
        self.clock = clock or JumpingClock()
        self.skew_s = skew_s
        self.key, self.secret = f"AKIA{secrets.token_hex(8).upper()}", secrets.token_urlsafe(30)
        self.credentials: dict[str, Credential] = {self.key: Credential(self.secret)}
        """Who may, by key; tests add sessions of their own."""
        self.buckets: dict[str, Bucket] = {}
        self.served: list[Served] = []
        self._plans: list[tuple[str, str, Fault]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"s3": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def now_us(self) -> int:
        """What the server takes the time to be."""
        return self.clock() + round(self.skew_s * 1e6)

    @property
    def environment(self) -> dict[str, str]:
        """What a process is started with to have boto3 find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "NO_PROXY": "127.0.0.1",
        }

    def make_bucket(self, name: str, *, rule: Rule | None = None) -> Bucket:
        """Make a bucket whose objects go by a rule."""
        made = self.buckets[name] = Bucket(self.clock, rule)
        return made

    def plan(self, method: str, *faults: Fault, bucket: str = "") -> None:
        """Spoil the next requests of a method, one fault each.

        Args:
            method: In capitals.
            faults: In the order of requests.
            bucket: Only those of this bucket; of any if empty.
        """
        with self._lock:
            self._plans += [(method, bucket, fault) for fault in faults]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # --- answering --------------------------------------------------------------------------------------------------

    def _take_fault(self, method: str, bucket: str) -> Fault | None:
        with self._lock:
            for at, (of, where, fault) in enumerate(self._plans):
                if of == method and where in ("", bucket):
                    del self._plans[at]
                    return fault
            return None

    def answer(self, request: Request) -> _Answer:
        """Return what S3 answers to a request."""
        bucket, _, key = unquote(request.path).removeprefix("/").partition("/")
        try:
            check_signature(request, self.credentials, self.now_us, self.clock.from_wall)
            found = self._answer(request, bucket, key)
        except SignatureError as err:
            found = _error(err.status, err.code)
        except PreconditionError as err:
            found = _error(err.status, err.code)
        served = Served(request.method, bucket, key, found.status, found.code, "X-Amz-Signature" in request.query)
        with self._lock:
            self.served.append(served)
        return found

    def _answer(self, request: Request, name: str, key: str) -> _Answer:
        given = request.parameters
        if set(given) & _FOREIGN or request.headers.get("content-encoding") == "aws-chunked":
            return _error(501, "NotImplemented")
        if request.method == "PUT" and not key and not set(given) & _MEANT:
            if name in self.buckets:
                return _error(409, "BucketAlreadyOwnedByYou")
            self.make_bucket(name)
            return _Answer()
        bucket = self.buckets.get(name)
        if bucket is None:
            return _error(404, "NoSuchBucket")
        answers = {
            ("PUT", True): self._put,
            ("GET", True): self._get,
            ("HEAD", True): self._get,
            ("DELETE", True): self._delete,
            ("PUT", False): self._set_up,
            ("GET", False): self._look,
            ("HEAD", False): lambda *_: _Answer(),
        }
        answer = answers.get((request.method, bool(key)))
        return _error(405, "MethodNotAllowed") if answer is None else answer(request, bucket, key)

    def _put(self, request: Request, bucket: Bucket, key: str) -> _Answer:
        headers = request.headers
        if headers.get("if-none-match", "*") != "*":
            return _error(501, "NotImplemented")
        if "x-amz-copy-source" in headers:
            return _error(501, "NotImplemented")
        kept = {name: value for name, value in headers.items() if name in _KEPT or name.startswith("x-amz-meta-")}
        held = bucket.put(key, request.body, kept, is_new="if-none-match" in headers, match=headers.get("if-match"))
        return _Answer(headers=(("ETag", held.etag), *_expiration(bucket, key, held)))

    def _get(self, request: Request, bucket: Bucket, key: str) -> _Answer:
        held = bucket.get(key)
        if held is None:
            return _error(404, "NoSuchKey")
        if request.headers.get("if-match", held.etag) not in ("*", held.etag):
            return _error(412, "PreconditionFailed")
        if request.headers.get("if-none-match") in ("*", held.etag):
            return _Answer(304, headers=(("ETag", held.etag),))
        told = {"content-type": "binary/octet-stream", **held.headers}
        told |= {n.removeprefix("response-"): v for n, v in request.parameters.items() if n.startswith("response-")}
        status, data = 200, held.data
        unit, _, span = request.headers.get("range", "").partition("=")
        first, _, last = span.partition("-")
        if unit == "bytes" and first.isdecimal():
            end = min(int(last or len(data)), len(data) - 1)
            if int(first) > end:
                return _error(416, "InvalidRange")
            status, data = 206, data[int(first) : end + 1]
            told["content-range"] = f"bytes {first}-{end}/{len(held.data)}"
        told |= {"ETag": held.etag, "Last-Modified": format_datetime(_moment(held.put_us), usegmt=True)}
        return _Answer(status, data, (*told.items(), ("Accept-Ranges", "bytes"), *_expiration(bucket, key, held)))

    def _delete(self, request: Request, bucket: Bucket, key: str) -> _Answer:
        bucket.delete(key, request.headers.get("if-match"))
        return _Answer(204)

    def _set_up(self, request: Request, bucket: Bucket, _key: str) -> _Answer:
        if "lifecycle" not in request.parameters:
            return _error(501, "NotImplemented")
        rules = ET.fromstring(request.body).iter(f"{{{_NAMESPACE}}}Rule")  # noqa: S314 - of the test's own client
        bucket.lifecycle = [
            (rule.findtext(".//{*}Prefix") or "", int(rule.findtext(".//{*}Days") or 0))
            for rule in rules
            if rule.findtext("{*}Status") == "Enabled"
        ]
        return _Answer()

    def _look(self, request: Request, bucket: Bucket, _key: str) -> _Answer:
        given = request.parameters
        if "lifecycle" in given:
            if not bucket.lifecycle:
                return _error(404, "NoSuchLifecycleConfiguration")
            rules = "".join(
                f"<Rule><ID>{n}</ID><Status>Enabled</Status><Filter><Prefix>{escape(prefix)}</Prefix></Filter>"
                f"<Expiration><Days>{days}</Days></Expiration></Rule>"
                for n, (prefix, days) in enumerate(bucket.lifecycle)
            )
            return _xml("LifecycleConfiguration", rules)
        if "versioning" in given:
            return _xml("VersioningConfiguration", "")
        if "location" in given:
            return _xml("LocationConstraint", "")
        return _list(bucket, given) if given.get("list-type") == "2" else _error(501, "NotImplemented")


def _list(bucket: Bucket, given: Mapping[str, str]) -> _Answer:
    """Return a page of keys; behind a page comes its last key, as the word from which to go on."""
    prefix, delimiter = given.get("prefix", ""), given.get("delimiter", "")
    after = base64.urlsafe_b64decode(given["continuation-token"]).decode() if "continuation-token" in given else ""
    most = min(int(given.get("max-keys", 1000)), 1000)
    quoted = quote if given.get("encoding-type") == "url" else escape
    keys = [key for key in bucket.keys(prefix) if key.encode() > after.encode()]
    if delimiter and any(delimiter in key[len(prefix) :] for key in keys):
        return _error(501, "NotImplemented")
    parts = [f"<Prefix>{quoted(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"]
    page = [(key, held) for key in keys[:most] if (held := bucket.get(key)) is not None]
    for key, held in page:
        put = _moment(held.put_us).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        parts.append(
            f"<Contents><Key>{quoted(key)}</Key><LastModified>{put}</LastModified><ETag>{escape(held.etag)}</ETag>"
            f"<Size>{len(held.data)}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )
    is_cut = len(keys) > most
    parts.append(f"<KeyCount>{len(page)}</KeyCount><IsTruncated>{json.dumps(is_cut)}</IsTruncated>")
    parts += ["<EncodingType>url</EncodingType>"] if quoted is quote else []
    if is_cut:
        word = base64.urlsafe_b64encode(keys[most - 1].encode()).decode()
        parts.append(f"<NextContinuationToken>{word}</NextContinuationToken>")
    return _xml("ListBucketResult", "".join(parts))


def _expiration(bucket: Bucket, key: str, held: Held) -> list[tuple[str, str]]:
    """Return the header that tells when a lifecycle rule deletes."""
    due = bucket.due(key, held.put_us) if bucket.lifecycle else 0
    if not due:
        return []
    return [("x-amz-expiration", f'expiry-date="{format_datetime(_moment(due), usegmt=True)}", rule-id="0"')]


def _moment(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us // 1_000_000, UTC)


def _xml(root: str, inside: str) -> _Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="{_NAMESPACE}">{inside}</{root}>'
    return _Answer(200, text.encode(), (("Content-Type", "application/xml"),))


def _error(status: int, code: str) -> _Answer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return _Answer(status, text.encode(), (("Content-Type", "application/xml"),), code)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave are of no interest."""


class _Handler(BaseHTTPRequestHandler):
    s3: S3Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request of any method."""
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        fault = self.s3._take_fault(self.command, unquote(path).split("/")[1])  # noqa: SLF001 - one thing in two classes
        if isinstance(fault, Slow):
            time.sleep(fault.seconds)
        if isinstance(fault, Status):
            self._send(_error(fault.status, fault.code))
            return
        answer = self.s3.answer(Request(self.command, path, query, headers, body))
        if isinstance(fault, Lost):
            self._reset()
        else:
            self._send(answer)

    do_HEAD = do_PUT = do_POST = do_DELETE = do_GET  # noqa: N815 - the names that the base class looks for

    def _send(self, answer: _Answer) -> None:
        self.send_response_only(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        self.send_header("Date", format_datetime(_moment(self.s3.now_us), usegmt=True))
        if answer.status not in (204, 304):
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD" and answer.status not in (204, 304):
            self.wfile.write(answer.body)

    def _reset(self) -> None:
        # With a linger of zero, closing sends RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RD)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""
