"""Talking to a Label Studio server: tokens of both kinds, errors as dsvc's own, JSON in and out.

The standard library is enough: a dozen addresses, no streams, no uploads; the server's own client brings 60 packages.

| token | looks like | sent as |
| --- | --- | --- |
| legacy | 40 hexadecimal digits | `Token ...`; refused unless the organisation allows it |
| personal access token | a JWT, three parts with dots | exchanged for one of 300 s, which is sent as `Bearer ...` |

What only reads is tried again when the server is away or busy. What changes something is not: it may have happened, and
who called must look before calling again.
"""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from dsvc.errors import PlatformError, PlatformUnavailableError

PATIENCE_S: Final = 60.0
"""How long to wait for one answer; an import of 500 tasks takes 2 s on a busy machine."""
TRIES: Final = 4
PAGE: Final = 100
_AWAY = {429, 500, 502, 503, 504}
_PAUSE_S = 0.25

Filter = tuple[str, str, str, Any]
"""Field, operator, type, value: `("tasks:updated_at", "greater_or_equal", "Datetime", "...")`."""


class LabelStudioApi:
    """One server, as the owner of a token sees it.

    Args:
        platform: The platform's name, for messages.
        url: Of the server, with a path where it has one.
        token: Of either kind.
        patience_s: How long to wait for one answer.
    """

    def __init__(self, platform: str, url: str, token: str, patience_s: float = PATIENCE_S) -> None:
        self.platform = platform
        if "@" in urllib.parse.urlsplit(url).netloc:  # not told: it may be a password
            reason, hint = "its url names a user", 'a token is enough: token = "${LABEL_STUDIO_TOKEN}"'
            raise PlatformError(platform=platform, reason=reason, hint=hint)
        self.url = url.rstrip("/")
        self._token = token.strip()
        self._patience_s = patience_s
        self._access: str | None = None
        # No proxy of the environment: a platform is reached as the recipe says.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def get(self, path: str, **query: Any) -> Any:
        """Return what is at a path; None where there is nothing."""
        for attempt in range(TRIES):
            try:
                return self._call("GET", path, query)
            except PlatformUnavailableError:
                if attempt == TRIES - 1:
                    raise
                time.sleep(_PAUSE_S * 2**attempt)
        raise AssertionError("unreachable")

    def post(self, path: str, body: Any, **query: Any) -> Any:
        """Post; return the answer."""
        return self._call("POST", path, query, body)

    def patch(self, path: str, body: Any) -> Any:
        """Patch; return the answer, None where there is nothing at the path."""
        return self._call("PATCH", path, {}, body)

    def delete(self, path: str) -> bool:
        """Delete; tell whether there was anything."""
        return self._call("DELETE", path, {}) is not None

    def iter_pages(self, path: str, **query: Any) -> Iterator[Any]:
        """Yield all items of a list in pages."""
        page = 1
        while True:
            found = self.get(path, page=page, page_size=PAGE, **query)
            items = found.get("results", []) if isinstance(found, dict) else found or []
            yield from items
            if not isinstance(found, dict) or not found.get("next"):
                return
            page += 1

    def tasks(
        self,
        project: int,
        filters: Sequence[Filter],
        *,
        conjunction: str = "and",
        order: Sequence[str] = ("tasks:id",),
        fields: Sequence[str] = ("id", "data"),
        page: int = 1,
        page_size: int = PAGE,
    ) -> list[dict[str, Any]]:
        """Return a page of a project's tasks; none behind the last one."""
        items = [
            {"filter": f"filter:{field}", "operator": operator, "type": kind, "value": value}
            for field, operator, kind, value in filters
        ]
        wanted = {"filters": {"conjunction": conjunction, "items": items}, "ordering": list(order)}
        found = self.get(
            "/api/tasks/",
            project=project,
            page=page,
            page_size=page_size,
            fields="all" if "annotations" in fields else "task_only",
            include=",".join(fields),
            query=json.dumps(wanted, separators=(",", ":")),
        )
        tasks: list[dict[str, Any]] = (found or {}).get("tasks", [])
        return tasks

    def _call(self, method: str, path: str, query: Mapping[str, Any], body: Any = None) -> Any:
        """Make a call; once more with a fresh token where the server does not take the one it was given."""
        address = f"{self.url}{path}"
        if query:
            address += "?" + urllib.parse.urlencode(query)
        status, text = self._send(method, address, body, self._authorization())
        if status == 401 and self._is_personal:
            self._access = None
            status, text = self._send(method, address, body, self._authorization())
        return self._answer(method, path, status, text)

    def _answer(self, method: str, path: str, status: int, text: bytes) -> Any:
        if status == 404:
            return None
        if status in _AWAY:
            raise PlatformUnavailableError(platform=self.platform, reason=f"{method} {path}: {status} {_told(text)}")
        if status == 401:
            raise PlatformError(
                platform=self.platform,
                reason=f"the token is not taken: {_told(text)}",
                hint="make a personal access token on the server's account page",
            )
        if not 200 <= status < 300:
            raise PlatformError(platform=self.platform, reason=f"{method} {path}: {status} {_told(text)}")
        try:
            return json.loads(text) if text.strip() else {}
        except ValueError as err:
            reason = f"{method} {path}: the answer is not JSON; is {self.url} a Label Studio?"
            raise PlatformError(platform=self.platform, reason=reason) from err

    @property
    def _is_personal(self) -> bool:
        return self._token.count(".") == 2

    def _authorization(self) -> str:
        if not self._is_personal:
            return f"Token {self._token}"
        if self._access is None:
            body = {"refresh": self._token}
            status, text = self._send("POST", f"{self.url}/api/token/refresh/", body, None)
            answer = self._answer("POST", "/api/token/refresh/", status, text) or {}
            if not isinstance(answer.get("access"), str):
                raise PlatformError(platform=self.platform, reason="the token cannot be exchanged for one of access")
            self._access = answer["access"]
        return f"Bearer {self._access}"

    def _send(self, method: str, address: str, body: Any, authorization: str | None) -> tuple[int, bytes]:
        headers = {"Accept": "application/json"}
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body).encode()
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            request = urllib.request.Request(address, data=data, method=method, headers=headers)  # noqa: S310 - as below
            with self._opener.open(request, timeout=self._patience_s) as response:  # the recipe's own server
                return int(response.status), response.read()
        except urllib.error.HTTPError as err:
            with err:
                return err.code, _rest(err)
        except ValueError as err:
            raise PlatformError(platform=self.platform, reason=f"{self.url!r} is no address") from err
        except (OSError, http.client.HTTPException) as err:
            reason = getattr(err, "reason", err)
            raise PlatformUnavailableError(platform=self.platform, reason=f"{self.url}: {reason}") from err


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection is an error: it would take the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        """Follow none."""
        return


def _rest(err: urllib.error.HTTPError) -> bytes:
    """Return what a server says of an error, as far as it came."""
    try:
        return err.read()
    except http.client.IncompleteRead as cut:
        return cut.partial
    except OSError:
        return b""


def _told(text: bytes) -> str:
    """Return what the server says is wrong, in short."""
    try:
        found = json.loads(text)
    except ValueError:
        return text[:200].decode("utf-8", "replace")
    if not isinstance(found, dict):
        return str(found)[:300]
    said = [str(found.get("detail", ""))]
    errors = found.get("validation_errors")
    said += [f"{key}: {value}" for key, value in errors.items()] if isinstance(errors, dict) else []
    return "; ".join(part for part in said if part)[:500] or str(found)[:300]
