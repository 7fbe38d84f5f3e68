"""The pure part of the fake Dataverse: a request in, an answer out, rows in between.

What it does, and with which status and words, is in the samples under `tests/data/crm/dynamics`
and on the pages they name. A table it does not know is 404, a column 400; a PATCH without
`If-None-Match: *` overwrites, as the real one does.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid5

import orjson

from tests.crm_fakes.dynamics_filter import BadFilter, condition
from tests.crm_fakes.server import State, Task

APPLICATION_USER = "a1b2c3d4-0000-4000-8000-00000000000a"
NO_APPLICATION_USER = "application user"
NO_SALES = "Dynamics 365 Sales"
NO_USERS = "users"
_SPACE = UUID("5d1c6b4e-7a0f-4a43-9c58-0d6b7f0e2a11")
_ROOT = "/api/data/v9.2/"
_SETS = {
    "accounts": "account",
    "contacts": "contact",
    "leads": "lead",
    "opportunities": "opportunity",
    "systemusers": "systemuser",
    "tasks": "task",
}
_SALES = frozenset({"leads", "opportunities"})
_LENGTHS = {"subject": 200, "description": 2000}
_PRIORITIES = {0: "low", 1: "normal", 2: "high"}
_RECORD = re.compile(r"/?(\w+)\(([0-9a-f-]{36})\)", re.IGNORECASE)
_REGARDING = re.compile(r"regardingobjectid_(\w+)_task@odata\.bind")
_PRIVILEGE = re.compile(
    r"systemusers\(([0-9a-f-]{36})\)/Microsoft\.Dynamics\.CRM"
    r"\.RetrieveUserPrivilegeByPrivilegeName\(PrivilegeName='(\w+)'\)"
)


@dataclass(frozen=True)
class Asked:
    """A request, in a batch or by itself; `target` is its path and query, headers in lower case."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer; a body is JSON."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Trouble(Exception):
    """An error as Dataverse words it."""

    def __init__(
        self, status: int, code: str, message: str, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
        self.reply = Reply(status, {"error": {"code": code, "message": message}}, headers)


class Store:
    """One environment.

    `tasks` are its rows, to which `keep` adds a new one. `disabled` and `roleless` are ids of users
    who cannot own a task.
    """

    def __init__(
        self, state: State, tasks: dict[str, Task], keep: Callable[[Task], object], url: str
    ) -> None:
        self.state = state
        self.disabled: set[str] = set()
        self.roleless: set[str] = set()
        self._tasks = tasks
        self._keep = keep
        self._url = url

    def answer(self, asked: Asked) -> Reply:
        """Do as one request says."""
        try:
            return self._answer(asked)
        except Trouble as trouble:
            return trouble.reply

    def _answer(self, asked: Asked) -> Reply:
        if NO_APPLICATION_USER in self.state.missing:
            raise Trouble(403, "0x80072560", "The user is not a member of the organization.")
        parts = urlsplit(asked.target)
        path = parts.path.removeprefix(_ROOT)
        if path == "WhoAmI":
            return self._ok("WhoAmIResponse", UserId=APPLICATION_USER)
        if match := _PRIVILEGE.fullmatch(path):
            return self._privileges(match[2])
        if match := _RECORD.fullmatch(path):
            return self._upsert(asked, self._table(match[1]), match[2].lower())
        if asked.method != "GET":
            raise _not_allowed()
        return self._query(path, dict(parse_qsl(parts.query)))

    def _ok(self, context: str, **members: object) -> Reply:
        return Reply(200, {"@odata.context": f"{self._url}{_ROOT}$metadata#{context}", **members})

    def _privileges(self, name: str) -> Reply:
        if NO_SALES in self.state.missing and name.endswith(("Lead", "Opportunity")):
            raise Trouble(400, "0x80040203", f"Privilege with name {name} does not exist")
        depth = "Basic" if f"Global {name}" in self.state.missing else "Global"
        held = [{"Depth": depth, "PrivilegeName": name}] if name not in self.state.missing else []
        context = "Microsoft.Dynamics.CRM.RetrieveUserPrivilegeByPrivilegeNameResponse"
        return self._ok(context, RolePrivileges=held)

    def _table(self, name: str) -> str:
        absent = NO_SALES in self.state.missing and name in _SALES
        if name not in _SETS or absent:
            raise Trouble(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
        return _SETS[name]

    def _query(self, name: str, options: Mapping[str, str]) -> Reply:
        table = self._table(name)
        columns = options["$select"].split(",")
        try:
            holds = condition(options.get("$filter", "activityid ne null"))
            found = [row for row in self._rows(table) if holds(row)]
        except BadFilter as error:
            raise Trouble(400, "0x0", str(error)) from error
        except KeyError as error:
            message = f"Could not find a property named {error} on type 'mscrm.{table}'."
            raise Trouble(400, "0x80060888", message) from error
        chosen = [
            {"@odata.etag": 'W/"1"', **{column: row[column] for column in columns}}
            for row in found[: int(options.get("$top", 5000))]
        ]
        return self._ok(f"{name}({options['$select']})", value=chosen)

    def _rows(self, table: str) -> Iterable[dict[str, object]]:
        self._permit(f"prvRead{'User' if table == 'systemuser' else table.capitalize()}")
        if table == "systemuser":
            if NO_USERS in self.state.missing:
                return []
            return [self._user(address, key) for address, key in self.state.users.items()]
        if table in {"contact", "lead"}:
            people = self.state.contacts if table == "contact" else self.state.leads
            return [_person(table, address, key) for address, key in people.items()] + [
                _person(table, None, key) for key in self._records(table)
            ]
        return [{f"{table}id": key} for key in self._records(table)]

    def _records(self, table: str) -> list[str]:
        return [key.lower() for key, type_ in self.state.records.items() if type_.lower() == table]

    def _user(self, address: str, key: str) -> dict[str, object]:
        return {
            "systemuserid": key,
            "internalemailaddress": address,
            "domainname": address,
            "isdisabled": key in self.disabled,
        }

    def _permit(self, privilege: str, principal: str = APPLICATION_USER) -> None:
        lacking = principal in self.roleless or (
            principal == APPLICATION_USER and privilege in self.state.missing
        )
        if lacking:
            key = uuid5(_SPACE, privilege)
            message = f"Principal user (Id={principal}, type=8) is missing {privilege} privilege"
            raise Trouble(403, "0x80040220", f"{message} (Id={key}) on OTC=4212 for entity 'task'.")

    def _upsert(self, asked: Asked, table: str, key: str) -> Reply:
        there = self._tasks.get(key)
        if asked.method == "GET" and table == "task":
            return self._read(there, key)
        if asked.method != "PATCH" or table != "task":
            raise _not_allowed()
        self._permit("prvCreateActivity")
        if there and asked.headers.get("if-none-match") == "*":
            message = "A record with matching key values already exists."
            raise Trouble(412, "0x80040237", message)
        task = self._task(key, _columns(asked.body))
        if there:
            vars(there).update(vars(task))
        else:
            self._keep(task)
        name = f"{self._url}{_ROOT}tasks({key})"
        return Reply(204, None, {"Location": name, "OData-EntityId": name})

    def _read(self, there: Task | None, key: str) -> Reply:
        self._permit("prvReadActivity")
        if there is None:
            raise Trouble(404, "0x80040217", f"task With Id = {key} Does Not Exist")
        return self._ok("tasks/$entity", activityid=key, subject=there.subject)

    def _task(self, key: str, columns: Mapping[str, Any]) -> Task:
        refused = self.state.refused.get(columns.get("subject", ""))
        if refused:
            raise Trouble(**refused)
        links = {name: value for name, value in columns.items() if name.endswith("@odata.bind")}
        plain = {name: value for name, value in columns.items() if name not in links}
        for name, value in plain.items():
            _validate(name, value)
        task = Task(key, key, plain.get("subject", ""), plain["scheduledend"], dict(columns))
        task.body = plain.get("description")
        task.priority = _PRIORITIES[plain.get("prioritycode", 1)]
        for name, value in links.items():
            self._link(task, name, value)
        return task

    def _link(self, task: Task, name: str, value: str) -> None:
        match, about = _RECORD.fullmatch(value), _REGARDING.fullmatch(name)
        table = self._table(match[1]) if match else ""
        if match is None or (name != "ownerid@odata.bind" and (about is None or about[1] != table)):
            raise Trouble(400, "0x80048d19", "Error identified in Payload provided by the user")
        key = match[2].lower()
        self._exists(table, key)
        if table == "systemuser":
            self._own(task, key)
        else:
            self._regard(task, table, key)

    def _own(self, task: Task, key: str) -> None:
        if key != APPLICATION_USER:
            self._permit("prvAssignActivity")
        if key in self.disabled:
            raise Trouble(403, "0x8004022b", "The specified owner has been disabled.")
        self._permit("prvReadActivity", key)
        task.owner = key

    def _regard(self, task: Task, table: str, key: str) -> None:
        self._permit("prvAppendActivity")
        self._permit(f"prvAppendTo{table.capitalize()}")
        people = {*self.state.contacts.values(), *self.state.leads.values()}
        if key in people:
            task.recipient = key
        else:
            task.related = key

    def _exists(self, table: str, key: str) -> None:
        if not any(row[f"{table}id"] == key for row in self._rows(table)):
            raise Trouble(404, "0x80040217", f"{table} With Id = {key} Does Not Exist")


def _not_allowed() -> Trouble:
    # The real one makes rows by POST as well; the connector never does.
    return Trouble(405, "0x80060888", "The requested resource does not support this method.")


def _person(table: str, address: str | None, key: str) -> dict[str, object]:
    return {
        f"{table}id": key.lower(),
        "emailaddress1": address,
        "statecode": 0,
        "createdon": "2026-01-01T00:00:00Z",
    }


def _columns(body: bytes) -> dict[str, Any]:
    try:
        columns = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"Error identified in Payload provided by the user for Entity :'tasks': {error}"
        raise Trouble(400, "0x80048d19", message) from error
    return dict(columns)


def _validate(name: str, value: Any) -> None:
    if name in _LENGTHS:
        if len(value.encode("utf-16-le")) > 2 * _LENGTHS[name]:
            message = f"The length of the '{name}' attribute of the 'task' entity exceeded"
            raise Trouble(400, "0x80044331", f"A validation error occurred.  {message} the maximum")
    elif name == "scheduledend":
        datetime.strptime(value, "%Y-%m-%dT%H:%M:%S%z")
    elif name != "prioritycode" or value not in _PRIORITIES:
        raise Trouble(400, "0x0", f"Invalid property '{name}' was found in entity 'mscrm.task'.")
