"""People who answer in a real Label Studio, over HTTP, as the front end in their browsers does.

Accounts are made as people make them: an invitation, the form of signing up, and the token of the new account.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import secrets
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dsvc.annotation.platforms.label_studio import HINT_HEADER, HINT_PROJECT, LabelStudioPlatform
from dsvc.annotation.platforms.label_studio_values import to_results, verdict_results
from dsvc.plugins.platforms import Outcome, Question, TaskForm
from dsvc.testing.label_studio import LabelStudioServer
from dsvc.testing.platform_values import HEIGHT, WIDTH
from dsvc.testing.platforms import Desk

HINTS_SECRET = "hush"  # noqa: S105 - of a test
_PATIENCE_S = 60.0


class LabelStudioPeople:
    """Accounts of a server, by name; each is made when it is first used.

    Args:
        server: The server.
    """

    def __init__(self, server: LabelStudioServer) -> None:
        self.server = server
        self.run = secrets.token_hex(4)
        """Keeps what is made here apart from what others made on a server that lives on."""
        self._tokens = {"admin": server.token}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def call(self, method: str, path: str, body: Any = None, person: str = "admin") -> tuple[int, Any]:
        """Make a call as a person; return status and answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Token {self.token(person)}"}
        request = urllib.request.Request(  # noqa: S310 - the address of the test's own server
            self.server.url + path, data=data, method=method, headers=headers
        )
        try:
            with self._opener.open(request, timeout=_PATIENCE_S) as response:
                text = response.read()
                return response.status, json.loads(text) if text.strip() else None
        except urllib.error.HTTPError as err:
            with err:
                text = err.read()
            try:
                return err.code, json.loads(text)
            except ValueError:
                return err.code, text.decode("utf-8", "replace")

    def token(self, person: str) -> str:
        """Return the token of a person's account."""
        if person not in self._tokens:
            self._tokens[person] = self._sign_up(person)
        return self._tokens[person]

    def submit(
        self, task_id: int, person: str, results: Any, *, lead_s: float = 1.0, is_skip: bool = False, **more: Any
    ) -> tuple[int, Any]:
        """Submit results as the front end does; return status and answer."""
        body = {"result": results, "lead_time": lead_s, "was_cancelled": is_skip, **more}
        return self.call("POST", f"/api/tasks/{task_id}/annotations/", body, person)

    def find(self, form: TaskForm, key: str) -> int:
        """Return the oldest task of a key."""
        wanted = {"filters": {"conjunction": "and", "items": [_equal(key)]}, "ordering": ["tasks:id"]}
        query = urllib.parse.urlencode(
            {"project": self.project(form), "fields": "task_only", "query": json.dumps(wanted)}
        )
        _, found = self.call("GET", f"/api/tasks?{query}")
        return int(found["tasks"][0]["id"])

    def project(self, form: TaskForm) -> int:
        """Return the project of a form."""
        _, found = self.call("GET", "/api/projects/?page_size=1000&include=id,description")
        return next(
            int(p["id"])
            for p in found["results"]
            if p["description"].split("\n")[0].endswith(f"{self.run}/{form.project}")
        )

    def _sign_up(self, person: str) -> str:
        _, invite = self.call("GET", "/api/invite")
        address = urllib.parse.urljoin(self.server.url, invite["invite_url"])
        browser = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        )
        with browser.open(address, timeout=_PATIENCE_S) as response:
            page = response.read().decode()
        csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert csrf is not None, page[:500]
        fields = {
            "csrfmiddlewaretoken": csrf[1],
            "email": f"{person}-{self.run}@example.com",
            "password": "Passw0rd!x9",
            "how_find_us": "",
            "elaborate": "",
        }
        request = urllib.request.Request(  # noqa: S310 - as above
            address, data=urllib.parse.urlencode(fields).encode(), headers={"Referer": address}
        )
        with browser.open(request, timeout=_PATIENCE_S):
            pass
        with browser.open(f"{self.server.url}/api/current-user/token", timeout=_PATIENCE_S) as response:
            return str(json.load(response)["token"])


def _equal(key: str) -> dict[str, str]:
    return {"filter": "filter:tasks:data.dsvc_key", "operator": "equal", "type": "String", "value": key}


class LabelStudioDesk(Desk):
    """A desk for the suite of platforms.

    Args:
        server: The server.
        token: What the platform is to use; the administrator's legacy token where none is given.
        options: More options of the platform.
    """

    def __init__(self, server: LabelStudioServer, token: str | None = None, **options: Any) -> None:
        self.people = LabelStudioPeople(server)
        self.options = {
            "url": server.url,
            "token": token or server.token,
            "image": "url",
            "prefix": f"dsvc {self.people.run}",
            "hints_url": "http://127.0.0.1:9/hint",
            "hints_secret": HINTS_SECRET,
            **options,
        }

    def open(self) -> LabelStudioPlatform:
        """Return a client that knows nothing."""
        return LabelStudioPlatform("team", self.options, Path())

    def image(self) -> str:
        """Return an address that nobody fetches."""
        return "http://127.0.0.1:9/staged/0a1b.png"

    def give(
        self,
        form: TaskForm,
        key: str,
        annotator: str,
        outcome: Outcome = "value",
        payload: Any = None,
        reasons: Sequence[str] = (),
    ) -> None:
        """Have a person submit."""
        results: list[dict[str, Any]] = []
        if payload is not None:
            results += to_results(form, payload, WIDTH, HEIGHT)
        if outcome in ("accept", "reject"):
            results += verdict_results(outcome, reasons)
        status, answer = self.people.submit(self.people.find(form, key), annotator, results, is_skip=outcome == "skip")
        assert status == 201, answer

    def give_nonsense(self, form: TaskForm, key: str, annotator: str) -> None:
        """Have a result submitted that no control explains."""
        nonsense = [{"id": "x", "from_name": "nobody", "to_name": "nowhere", "type": "magic", "value": {"a": 1}}]
        status, answer = self.people.submit(self.people.find(form, key), annotator, nonsense)
        assert status == 201, answer

    def import_again(self, form: TaskForm, question: Question) -> bool:
        """Import a task with the same key."""
        data = {"image": question.image, "dsvc_key": question.key, "ask": "", "context": "", "dsvc": {"form": "label"}}
        status, answer = self.people.call("POST", f"/api/projects/{self.people.project(form)}/import", [{"data": data}])
        assert status == 201, answer
        return True

    def forge_hint(self, form: TaskForm) -> tuple[dict[str, str], bytes] | None:
        """Return a webhook with a wrong secret."""
        return {HINT_HEADER: "guess", HINT_PROJECT: form.project}, b'{"action": "ANNOTATION_CREATED"}'

    def true_hint(self, form: TaskForm) -> tuple[dict[str, str], bytes] | None:
        """Return a webhook with the headers that the server was told to send for the project."""
        _, hooks = self.people.call("GET", f"/api/webhooks/?project={self.people.project(form)}")
        return dict(hooks[0]["headers"]), b'{"action": "ANNOTATION_CREATED"}'
