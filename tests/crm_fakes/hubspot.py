"""HubSpot's API, version 2026-09, as far as the connector uses it: paths, scopes and limits.

`State.missing`: a scope, "property" (there is no key property), "unique" (its values may repeat) or
"credentials" (the token is revoked). HubSpot keeps leads as contacts.
"""

import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from tests.crm_fakes import process
from tests.crm_fakes.hubspot_account import ASSOCIATION_TYPES, Account
from tests.crm_fakes.hubspot_answers import Answer, error, limited, missing_scope
from tests.crm_fakes.server import TOKEN, Fake, State

PAT = f"{TOKEN}-pat-na1"
V = "2026-09"
CONTACTS_READ, CONTACTS_WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"
OWNERS_READ, SCHEMA_READ = "crm.objects.owners.read", "crm.schemas.tasks.read"
_PLENTY = 190
_SEARCH_CHARACTERS = 3000
_UNAUTHORIZED = "Authentication credentials not found."

Answering = Callable[[web.Request], Awaitable[Answer]]


class FakeHubSpot(Fake):
    def __init__(self, state: State | None = None) -> None:
        super().__init__(state)
        self.account = Account(self.state, self._tasks, self.store)
        self.calls_per_window: int | None = None
        self.window_seconds = 10.0
        self._calls: deque[float] = deque()
        self._spared: set[str] = set()
        self.allow(PAT)

    def delete(self, key: object) -> None:
        """Do as a person does who does not want the task."""
        for task in self.tasks(key):
            self.account.delete(task.id)

    def expire(self) -> None:
        """Answer 401 once. A static token does not expire, and a 401 is no sign that it has.

        https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines
        """
        self._spared, self._valid = self._valid, set()

    def revoke(self) -> None:
        """Do as an admin does who rotates the token: what has been given out is good no longer."""
        self._valid.clear()

    def routes(self) -> Iterable[web.RouteDef]:
        objects = f"/crm/objects/{V}"
        yield self._post(f"{objects}/tasks/batch/create", self._create, CONTACTS_WRITE)
        yield self._post(f"{objects}/tasks/batch/read", self._read_tasks, CONTACTS_READ)
        yield self._post(f"{objects}/tasks/search", self._search, CONTACTS_READ)
        for kind in ASSOCIATION_TYPES:
            scope = f"crm.objects.{kind}.read"
            yield self._post(f"{objects}/{kind}/batch/read", self._read_records, scope)
        yield self._get(f"/crm/owners/{V}", self._owners, OWNERS_READ)
        yield self._get(f"/crm/properties/{V}/tasks/{{name}}", self._property, SCHEMA_READ)
        yield self._get(f"/account-info/{V}/details", self._details, "oauth")

    def operation(self, request: web.Request) -> str:
        if request.path.endswith("/tasks/batch/create"):
            return "create"
        return request.path.split("/")[4] if "/objects/" in request.path else "other"

    def unauthorized(self) -> web.Response:
        self._valid |= self._spared
        return _response(error(401, "INVALID_AUTHENTICATION", _UNAUTHORIZED))

    def _get(self, path: str, answering: Answering, scope: str) -> web.RouteDef:
        return web.get(path, self._guarded(answering, scope))

    def _post(self, path: str, answering: Answering, scope: str) -> web.RouteDef:
        return web.post(path, self._guarded(answering, scope))

    def _guarded(
        self, answering: Answering, scope: str
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def guarded(request: web.Request) -> web.Response:
            if "credentials" in self.state.missing:
                return self.unauthorized()
            left = self._calls_left()
            if left < 0:
                self.outcomes["limited"] += 1
                return _response(limited("TEN_SECONDLY_ROLLING"))
            if scope in self.state.missing:
                return _response(missing_scope(scope))
            return self._with_limits(_response(await answering(request)), left)

        return guarded

    def _with_limits(self, response: web.Response, left: int) -> web.Response:
        window = str(int(self.window_seconds * 1000))
        response.headers["X-HubSpot-RateLimit-Max"] = str(self.calls_per_window or _PLENTY)
        response.headers["X-HubSpot-RateLimit-Remaining"] = str(left)
        response.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = window
        return response

    def _calls_left(self) -> int:
        if self.calls_per_window is None:
            return _PLENTY
        now = time.monotonic()
        while self._calls and self._calls[0] < now - self.window_seconds:
            self._calls.popleft()
        if len(self._calls) >= self.calls_per_window:
            return -1
        self._calls.append(now)
        return self.calls_per_window - len(self._calls)

    async def _create(self, request: web.Request) -> Answer:
        return self.account.create((await request.json())["inputs"])

    async def _read_tasks(self, request: web.Request) -> Answer:
        archived = request.query.get("archived") == "true"
        return self.account.read_tasks(await request.json(), archived=archived)

    async def _search(self, request: web.Request) -> Answer:
        if len(await request.text()) > _SEARCH_CHARACTERS:
            return error(400, "VALIDATION_ERROR", "the request's body is too long")
        return self.account.search(await request.json())

    async def _read_records(self, request: web.Request) -> Answer:
        return self.account.read_records(request.path.split("/")[4], await request.json())

    async def _owners(self, request: web.Request) -> Answer:
        asked = request.query
        after, limit = int(asked.get("after", 0)), int(asked.get("limit", 100))
        return self.account.owners(asked.get("email"), after, limit)

    async def _property(self, request: web.Request) -> Answer:
        return self.account.property(request.match_info["name"])

    async def _details(self, _: web.Request) -> Answer:
        return 200, {"portalId": 123456, "accountType": "STANDARD", "timeZone": "US/Eastern"}


def _response(answer: Answer) -> web.Response:
    status, body = answer
    return web.json_response(body, status=status)


if __name__ == "__main__":
    process.main(sys.argv[1:], FakeHubSpot)
