"""What a HubSpot account holds and how it answers: the fake without its server. Pure.

As documented: batches of at most 100; a 207 with one error per failed input where each has an
`objectWriteTraceId`, and all or nothing where not; properties that require unique values, by which
records can be read; search that lags behind (`index` makes it catch up); owners in pages. Sources:
https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis and
https://developers.hubspot.com/docs/api-reference/latest/error-handling

How a second use of a unique value is told is not documented; `duplicate` picks one of the three
ways that are seen. Nor is whether a deleted record keeps its values (here it does), nor how an
owner or an association that does not exist is told: an association is told of by its `input`, or by
the `batch` as a whole, as `gone` says, and an owner who is `barred` by the error given there, or
by name.
"""

from collections.abc import Callable, Mapping, Sequence
from html import unescape
from typing import Any, Literal

from tests.crm_fakes.hubspot_answers import (
    Answer,
    Refusal,
    batch,
    error,
    found,
    invalid,
    record,
)
from tests.crm_fakes.server import State, Task

KEY = "geophone_key"
MOST = 100
ASSOCIATION_TYPES = {"contacts": 204, "companies": 192, "deals": 216}
_KINDS = {"account": "companies", "company": "companies", "deal": "deals", "opportunity": "deals"}
_OWN = {
    "hs_timestamp",
    "hs_task_subject",
    "hs_task_body",
    "hs_task_status",
    "hs_task_priority",
    "hs_task_type",
    "hubspot_owner_id",
}


class Account:
    """`tasks` by id is shared with the server; `keep` puts a new one there."""

    def __init__(self, state: State, tasks: dict[str, Task], keep: Callable[[Task], Task]) -> None:
        self.duplicate: Literal["validation", "conflict", "whole"] = "validation"
        self.page = 100
        self.barred: dict[str, dict[str, Any]] = {}
        self.gone: Literal["input", "batch"] = "input"
        self._state = state
        self._tasks = tasks
        self._keep = keep
        self._archived: dict[str, Task] = {}
        self._holders: dict[str, Task] = {}
        self._indexed: set[str] = set()

    def index(self) -> None:
        """Let search see what has been created so far."""
        self._indexed = set(self._tasks)

    def delete(self, id_: str) -> None:
        """Put the task into the recycling bin."""
        self._archived[id_] = self._tasks.pop(id_)

    def create(self, inputs: Sequence[Mapping[str, Any]]) -> Answer:
        if not 0 < len(inputs) <= MOST:
            return error(400, "VALIDATION_ERROR", f"inputs: {len(inputs)} of at most {MOST}")
        if whole := self._whole(inputs):
            return 409 if whole["category"] == "CONFLICT" else 400, whole
        if self.gone == "batch" and any(self._lost(one) for one in inputs):
            return error(404, "OBJECT_NOT_FOUND", "an associated object does not exist")
        results, errors = [], []
        for one in inputs:
            if trouble := self._trouble(one):
                traced = {"objectWriteTraceId": [one["objectWriteTraceId"]]}
                errors.append({**trouble, "context": {**trouble.get("context", {}), **traced}})
            else:
                results.append(record(self._make(one)))
        return batch(results, errors, all_well=201)

    def read_tasks(self, asked: Mapping[str, Any], *, archived: bool) -> Answer:
        by = asked.get("idProperty")
        if by is not None and (by != KEY or self._state.missing & {"property", "unique"}):
            return error(400, "VALIDATION_ERROR", f"Unable to read by non-unique property {by}")
        held = self._archived if archived else self._tasks
        by_key = {task.key: task for task in held.values()}
        return found(asked, lambda one: by_key.get(one) if by else held.get(one), "TASK")

    def search(self, asked: Mapping[str, Any]) -> Answer:
        ((condition,),) = [group["filters"] for group in asked["filterGroups"]]
        if condition["propertyName"] == KEY and "property" in self._state.missing:
            return 400, invalid(KEY, "PROPERTY_DOESNT_EXIST", "no such property").error
        assert condition["operator"] == "IN"
        seen = [task for id_, task in self._tasks.items() if id_ in self._indexed]
        results = [record(task) for task in seen if task.key in condition["values"]]
        return 200, {"total": len(results), "results": results[: asked["limit"]]}

    def read_records(self, kind: str, asked: Mapping[str, Any]) -> Answer:
        there = self._records()[kind]
        by_email = asked.get("idProperty") == "email"
        ids = {there[id_] if by_email else id_: id_ for id_ in there}

        def find(one: str) -> dict[str, Any] | None:
            id_ = ids.get(one)
            return {"id": id_, "properties": {"email": there[id_] or None}} if id_ else None

        return found(asked, find, kind.upper())

    def owners(self, email: str | None, after: int, limit: int) -> Answer:
        owners = [
            {"id": id_, "email": one, "type": "PERSON", "archived": False}
            for one, id_ in self._state.users.items()
            if email in (None, one)
        ]
        end = after + min(limit, self.page)
        paging = {"paging": {"next": {"after": str(end)}}} if end < len(owners) else {}
        return 200, {"results": owners[after:end], **paging}

    def property(self, name: str) -> Answer:
        if name not in self._properties():
            return error(404, "OBJECT_NOT_FOUND", "the property does not exist")
        unique = name == KEY and "unique" not in self._state.missing
        return 200, {"name": name, "type": "string", "hasUniqueValue": unique}

    def _properties(self) -> set[str]:
        return _OWN if "property" in self._state.missing else _OWN | {KEY}

    def _records(self) -> dict[str, dict[str, str]]:
        """The e-mail address, or nothing, of each record, by kind and id."""
        people = self._state.leads | self._state.contacts
        records: dict[str, dict[str, str]] = {kind: {} for kind in ASSOCIATION_TYPES}
        records["contacts"] = {id_: email for email, id_ in people.items()}
        for id_, kind in self._state.records.items():
            records[_KINDS[kind.lower()]][id_] = ""
        return records

    def _whole(self, inputs: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
        """What keeps the whole batch from being carried out."""
        traced = all(one.get("objectWriteTraceId") for one in inputs)
        if traced and self.duplicate != "whole":
            return None
        errors = [trouble for one in inputs if (trouble := self._trouble(one))]
        return next((one for one in errors if not traced or one["category"] == "CONFLICT"), None)

    def _trouble(self, one: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            self._judge(one["properties"])
            self._judge_associations(one)
            self._judge_key(one["properties"].get(KEY))
        except Refusal as refusal:
            return refusal.error
        return None

    def _judge(self, properties: Mapping[str, str]) -> None:
        if scripted := self._state.refused.get(properties.get("hs_task_subject", "")):
            raise Refusal(scripted)
        for name in properties.keys() - self._properties():
            raise invalid(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
        if "hs_timestamp" not in properties:
            raise Refusal({"category": "VALIDATION_ERROR", "message": "required: hs_timestamp"})
        owner = properties.get("hubspot_owner_id")
        if owner and owner not in self._state.users.values():
            raise invalid("hubspot_owner_id", "INVALID_OWNER_ID", f"{owner} is no owner")
        if owner in self.barred:
            named = invalid("hubspot_owner_id", "INVALID_OWNER_ID", f"{owner} owns no tasks")
            raise Refusal(self.barred[owner] or named.error)

    def _judge_associations(self, one: Mapping[str, Any]) -> None:
        if self._lost(one):
            message = "an associated object is not valid"
            raise Refusal({"category": "VALIDATION_ERROR", "message": message})

    def _lost(self, one: Mapping[str, Any]) -> bool:
        """Say whether it is to be associated with a record that is not there."""
        there = {ASSOCIATION_TYPES[kind]: ids for kind, ids in self._records().items()}
        return any(
            association["to"]["id"] not in there.get(type_["associationTypeId"], {})
            for association in one.get("associations", [])
            for type_ in association["types"]
        )

    def _judge_key(self, key: str | None) -> None:
        if key is None or "unique" in self._state.missing:
            return
        if holder := self._holders.get(key):
            raise self._taken(holder)

    def _taken(self, task: Task) -> Refusal:
        if self.duplicate == "validation":
            return invalid(KEY, "CONFLICTING_UNIQUE_VALUE", f"{task.id} already has that value")
        context = {"existingId": [task.id]}
        return Refusal({"category": "CONFLICT", "message": "exists", "context": context})

    def _make(self, one: Mapping[str, Any]) -> Task:
        properties = dict(one["properties"])
        to = {a["types"][0]["associationTypeId"]: a["to"]["id"] for a in one["associations"]}
        number = len(self._tasks) + len(self._archived)
        task = self._keep(
            Task(
                id=str(65_059_681_027 + number),
                key=properties.get(KEY, ""),
                subject=properties.get("hs_task_subject", ""),
                due=properties["hs_timestamp"],
                fields=properties,
                body=unescape(properties.get("hs_task_body", "").replace("<br>", "\n")),
                owner=properties.get("hubspot_owner_id"),
                recipient=to.get(ASSOCIATION_TYPES["contacts"]),
                related=to.get(ASSOCIATION_TYPES["deals"], to.get(ASSOCIATION_TYPES["companies"])),
                priority=properties.get("hs_task_priority"),
            )
        )
        self._holders.setdefault(task.key, task)  # in the recycling bin it keeps its value
        return task
