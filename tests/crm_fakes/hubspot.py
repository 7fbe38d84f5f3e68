"""A HubSpot account: the part of API version 2026-09 that the connector uses.

As documented: batches of at most 100; a 207 with one error per failed input where each has an
`objectWriteTraceId`, and all or nothing where not; properties that require unique values, by which
records can be read; search that lags behind (`index` makes it catch up); scopes; owners in pages.
Sources: https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis and
https://developers.hubspot.com/docs/api-reference/latest/error-handling

How a second use of a unique value is told is not documented; `duplicate` picks one of the three
ways that are seen. Nor are the errors of an owner or an association that does not exist.

`State.missing`: a scope, "property" (there is no key property) or "unique" (its values may repeat).
"""

import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from aiohttp import web

from tests.crm_fakes import process
from tests.crm_fakes.hubspot_answers import (
    Refusal,
    answer,
    batch,
    error,
    found,
    invalid,
    limited,
    missing_scope,
    record,
)
from tests.crm_fakes.server import Fake, Handler, State, Task

V = "2026-09"
KEY = "geophone_key"
MOST = 100
CONTACTS_READ, CONTACTS_WRITE = "crm.objects.contacts.read", "crm.objects.contacts.write"
SCHEMA_READ = "crm.schemas.tasks.read"
OWNERS_READ = "crm.objects.owners.read"
ASSOCIATION_TYPES = {"contacts": 204, "companies": 192, "deals": 216}
_KINDS = {"account": "companies", "company": "companies", "deal": "deals", "opportunity": "deals"}
_ADDRESSES = {"contacts": "email"}
_OWN = {
    "hs_timestamp",
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_task_priority",
    "hs_task_type",
    "hubspot_owner_id",
}
_UNAUTHORIZED = "Authentication credentials not found."


class FakeHubSpot(Fake):
    def __init__(self, state: State | None = None) -> None:
        super().__init__(state)
        self.duplicate: Literal["validation", "conflict", "whole"] = "validation"
        self.page = 100
        self.calls_per_window: int | None = None
        self.window_seconds = 10.0
        self._calls: deque[float] = deque()
        self._indexed: set[str] = set()
        self._archived: dict[str, Task] = {}

    def index(self) -> None:
        """Let search see what has been created so far."""
        self._indexed = set(self._tasks)

    def delete(self, key: object) -> None:
        """Do as a person does who does not want the task: it goes to the recycling bin."""
        for task in self.tasks(key):
            self._archived[task.id] = self._tasks.pop(task.id)

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
        yield self._get(f"/account-info/{V}/details", self._account, "oauth")

    def operation(self, request: web.Request) -> str:
        if request.path.endswith("/tasks/batch/create"):
            return "create"
        return request.path.split("/")[4] if "/objects/" in request.path else "other"

    def unauthorized(self) -> web.Response:
        return error(401, "INVALID_AUTHENTICATION", _UNAUTHORIZED)

    # The edge of every call: scopes and the limit.

    def _get(self, path: str, handler: Handler, scope: str) -> web.RouteDef:
        return web.get(path, self._guarded(handler, scope))

    def _post(self, path: str, handler: Handler, scope: str) -> web.RouteDef:
        return web.post(path, self._guarded(handler, scope))

    def _guarded(self, handler: Handler, scope: str) -> Handler:
        async def guarded(request: web.Request) -> web.StreamResponse:
            left = self._calls_left()
            if left < 0:
                self.outcomes["limited"] += 1
                return limited("TEN_SECONDLY_ROLLING")
            if scope in self.state.missing:
                return missing_scope(scope)
            given = await handler(request)
            given.headers["X-HubSpot-RateLimit-Max"] = str(self.calls_per_window or 190)
            given.headers["X-HubSpot-RateLimit-Remaining"] = str(left)
            window = str(int(self.window_seconds * 1000))
            given.headers["X-HubSpot-RateLimit-Interval-Milliseconds"] = window
            return given

        return guarded

    def _calls_left(self) -> int:
        if self.calls_per_window is None:
            return 190
        now = time.monotonic()
        while self._calls and self._calls[0] < now - self.window_seconds:
            self._calls.popleft()
        if len(self._calls) >= self.calls_per_window:
            return -1
        self._calls.append(now)
        return self.calls_per_window - len(self._calls)

    # Tasks.

    async def _create(self, request: web.Request) -> web.Response:
        inputs = (await request.json())["inputs"]
        if not 0 < len(inputs) <= MOST:
            return error(400, "VALIDATION_ERROR", f"inputs: {len(inputs)} of at most {MOST}")
        traced = all(one.get("objectWriteTraceId") for one in inputs)
        whole = [] if traced and self.duplicate != "whole" else self._whole(inputs, traced=traced)
        if whole:
            return answer(409 if whole[0]["category"] == "CONFLICT" else 400, whole[0])
        results, errors = self._each(inputs)
        return batch(results, errors, all_well=201)

    def _whole(self, inputs: Sequence[Any], *, traced: bool) -> list[dict[str, Any]]:
        """What keeps the whole batch from being carried out."""
        refusals = [trouble for one in inputs if (trouble := self._trouble(one))]
        return refusals if not traced else [e for e in refusals if e["category"] == "CONFLICT"]

    def _each(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        results, errors = [], []
        for one in inputs:
            if trouble := self._trouble(one):
                traced = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
                errors.append({**trouble, "context": {**trouble.get("context", {}), **traced}})
            else:
                results.append(record(self._make(one)))
        return results, errors

    def _trouble(self, one: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            self._judge(one["properties"], one.get("associations", []))
        except Refusal as refusal:
            return refusal.error
        return None

    def _judge(self, properties: Mapping[str, str], associations: Sequence[Any]) -> None:
        if scripted := self.state.refused.get(properties.get("hs_task_subject", "")):
            raise Refusal(scripted)
        own = _OWN | ({KEY} if "property" not in self.state.missing else set())
        for name in properties.keys() - own:
            raise invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if "hs_timestamp" not in properties:
            raise Refusal({"category": "VALIDATION_ERROR", "message": "required: hs_timestamp"})
        owner = properties.get("hubspot_owner_id")
        if owner and owner not in self.state.users.values():
            raise invalid("hubspot_owner_id", "INVALID_OWNER_ID", f"{owner} is no owner")
        self._judge_associations(associations)
        self._judge_key(properties.get(KEY))

    def _judge_associations(self, associations: Sequence[Any]) -> None:
        for one in associations:
            (kind,) = (type_["associationTypeId"] for type_ in one["types"])
            there = {ASSOCIATION_TYPES[kind]: ids for kind, ids in self._ids().items()}
            if one["to"]["id"] not in there.get(kind, {}):
                message = "an associated object is not valid"
                raise Refusal({"category": "VALIDATION_ERROR", "message": message})

    def _judge_key(self, key: str | None) -> None:
        held = [*self._tasks.values(), *self._archived.values()]
        if key is None or "unique" in self.state.missing:
            return
        for task in (one for one in held if one.key == key):
            self.outcomes["duplicate"] += 1
            if self.duplicate == "validation":
                raise invalid(KEY, "CONFLICTING_UNIQUE_VALUE", f"{task.id} already has that value")
            context = {"existingId": [task.id]}
            raise Refusal({"category": "CONFLICT", "message": "exists", "context": context})

    def _make(self, one: Mapping[str, Any]) -> Task:
        properties = dict(one["properties"])
        to = {a["types"][0]["associationTypeId"]: a["to"]["id"] for a in one["associations"]}
        return self.store(
            Task(
                id=str(65_059_681_000 + self.next_number() + len(self._archived)),
                key=properties.get(KEY, ""),
                subject=properties.get("hs_task_subject", ""),
                due=properties["hs_timestamp"],
                fields=properties,
                body=properties.get("hs_task_body"),
                owner=properties.get("hubspot_owner_id"),
                recipient=to.get(ASSOCIATION_TYPES["contacts"]),
                related=to.get(ASSOCIATION_TYPES["deals"], to.get(ASSOCIATION_TYPES["companies"])),
                priority=properties.get("hs_task_priority"),
            )
        )

    async def _read_tasks(self, request: web.Request) -> web.Response:
        asked = await request.json()
        by = asked.get("idProperty")
        if by is not None and (by != KEY or self.state.missing & {"property", "unique"}):
            message = f"Unable to read by non-unique 0-27 property {by}"
            return error(400, "VALIDATION_ERROR", message)
        archived = request.query.get("archived") == "true"
        held = self._archived if archived else self._tasks
        by_key = {task.key: task for task in held.values()}
        return found(asked, lambda one: by_key.get(one) if by else held.get(one), "TASK")

    async def _search(self, request: web.Request) -> web.Response:
        asked = await request.json()
        ((condition,),) = [group["filters"] for group in asked["filterGroups"]]
        if condition["propertyName"] == KEY and "property" in self.state.missing:
            return answer(400, invalid(KEY, "PROPERTY_DOESNT_EXIST", "no such property").error)
        assert condition["operator"] == "IN"
        seen = [task for id_, task in self._tasks.items() if id_ in self._indexed]
        results = [record(task) for task in seen if task.key in condition["values"]]
        return answer(200, {"total": len(results), "results": results[: asked["limit"]]})

    # What tasks belong to.

    def _ids(self) -> dict[str, dict[str, str]]:
        """The e-mail address, or nothing, of each record, by kind and id."""
        ids: dict[str, dict[str, str]] = {kind: {} for kind in ASSOCIATION_TYPES} | {
            "contacts": {id_: email for email, id_ in self.state.contacts.items()}
        }
        for id_, kind in self.state.records.items():
            ids[_KINDS[kind.lower()]][id_] = ""
        return ids

    async def _read_records(self, request: web.Request) -> web.Response:
        kind = request.path.split("/")[4]
        asked = await request.json()
        there = self._ids()[kind]
        if asked.get("idProperty") == _ADDRESSES.get(kind, ""):
            ids = {email: id_ for id_, email in there.items() if email}
        else:
            ids = {id_: id_ for id_ in there}

        def find(one: str) -> dict[str, Any] | None:
            id_ = ids.get(one)
            return {"id": id_, "properties": {"email": there[id_] or None}} if id_ else None

        return found(asked, find, kind.upper())

    async def _owners(self, request: web.Request) -> web.Response:
        wanted = request.query.get("email")
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", 100))
        owners = [
            {"id": id_, "email": email, "type": "PERSON", "archived": False}
            for email, id_ in self.state.users.items()
            if wanted in (None, email)
        ]
        end = after + min(limit, self.page)
        paging = {"paging": {"next": {"after": str(end)}}} if end < len(owners) else {}
        return answer(200, {"results": owners[after:end], **paging})

    # The set-up.

    async def _property(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in _OWN | {KEY} or (name == KEY and "property" in self.state.missing):
            return error(404, "OBJECT_NOT_FOUND", "the property does not exist")
        unique = name == KEY and "unique" not in self.state.missing
        return answer(200, {"name": name, "type": "string", "hasUniqueValue": unique})

    async def _account(self, _: web.Request) -> web.Response:
        return answer(
            200, {"portalId": 123456, "accountType": "STANDARD", "timeZone": "US/Eastern"}
        )


if __name__ == "__main__":
    process.main(sys.argv[1:], FakeHubSpot)
