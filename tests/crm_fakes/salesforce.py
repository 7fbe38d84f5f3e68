"""A fake Salesforce organisation, as the REST API's documentation describes one.

`State.missing` takes: "credentials" (the connected app is unknown), "api" (no API access),
"version" (that version of the API is gone), "task" (no Create on Task), "field" (no key field),
"unique" (it is not unique), "field access" (nor writable), "length" (it holds 18 characters),
"type" (it is a number), "status" (there is no status Not Started), "required" (a field of the
organisation's own has to be set), "users", "contacts", "leads" (no Read),
"FIELD access" for one of OwnerId, WhoId, WhatId (closed by field-level security),
"other users", "contact sharing", "lead sharing" (none but its own record is visible), "requests"
(the day's are nearly used up). `State.refused`: an error of an item.

A trigger of the organisation runs for all records of a request at once, and fails for all of them:
where they are more than `trigger_stands`, or where it stumbles over one with a subject of
`trigger_stumbles`. Users who are `inactive` or `retired` can own no task; of the latter Salesforce
says no more than that a reference is invalid. Whether a task in the recycling bin keeps its unique
value is not documented but for the moment at which a field is made unique:
`keeps_values_of_deleted` picks one.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import web

from tests.crm_fakes import process, soql
from tests.crm_fakes.server import Fake, State, Task, form

CLIENT_ID, CLIENT_SECRET = "3MVG9.canary-client", "canary-secret"
USERNAME, AUDIENCE = "integration@vendor.example", "https://login.salesforce.com"
KEY_FIELD, OWN_FIELD = "Geophone_Key__c", "Source__c"
INTEGRATION_USER = "005000000000001AAA"
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", re.ASCII)
_MISSING_KIND = {"User": "users", "Contact": "contacts", "Lead": "leads"}
_LINKS = ("OwnerId", "WhoId", "WhatId")
_TEXTS = ("Subject", "Description", "ActivityDate", "Priority", "Status", "CallObject")
_FIELDS = frozenset(("Id", *_TEXTS, *_LINKS, KEY_FIELD))
_LIMITS = {"Subject": 255, "Description": 32_000, KEY_FIELD: 255, "CallObject": 255}
_TYPES = {"Status": "picklist", "Priority": "picklist", "ActivityDate": "date"}
_PICKLISTS = {
    "Status": ("Not Started", "In Progress", "Completed"),
    "Priority": ("High", "Normal", "Low"),
}
_RETIRED = [{"value": "Retired", "active": False}]
_TRIGGER = {
    "statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "message": "TaskTrigger: System.LimitException: Too many SOQL queries: 101",
}
_RECORDS_AT_ONCE, _PARTS_AT_ONCE = 200, 25


class Salesforce(Fake):
    """`public_key`: PEM of the key that JWT assertions have to be signed by."""

    def __init__(self, state: State | None = None, public_key: str = "") -> None:
        super().__init__(state)
        self.public_key = public_key
        self.converted: set[str] = set()
        self.inactive: set[str] = set()
        self.retired: set[str] = set()
        self.keeps_values_of_deleted = True
        self._deleted: list[Task] = []
        self.trigger_stands = _RECORDS_AT_ONCE
        self.trigger_stumbles: set[str] = set()
        self.trigger_error = dict(_TRIGGER)

    def delete(self, key: object) -> None:
        """Do as a person does who deletes the task."""
        for task in self.tasks(key):
            self._deleted.append(self._tasks.pop(task.id))

    def routes(self) -> Iterable[web.RouteDef]:
        data = "/services/data/{version}"
        return [
            web.post("/services/oauth2/token", self._token),
            web.post(f"{data}/composite/batch", self._batch),
            web.post(f"{data}/composite/sobjects", self._create),
            web.get(f"{data}/query/", self._query),
            web.get(f"{data}/sobjects/Task/describe", self._describe),
        ]

    def operation(self, request: web.Request) -> str:
        names = {"token": "token", "sobjects": "create", "batch": "look-up", "describe": "check"}
        return names.get(request.path.rstrip("/").rpartition("/")[2], "other")

    def unauthorized(self) -> web.Response:
        return _failed(401, "INVALID_SESSION_ID", "Session expired or invalid")

    async def _token(self, request: web.Request) -> web.Response:
        asked = form(await request.read())
        trouble = self._trouble(asked)
        if trouble:
            self.outcomes["no token"] += 1
            body = {"error": trouble, "error_description": f"no {USERNAME}, {asked}"}
            return web.json_response(body, status=400)
        body = {
            "access_token": self.issue(),
            "signature": "bm90IGNoZWNrZWQ=",
            "instance_url": self.url,
            "id": "https://login.salesforce.com/id/00D/005",
            "token_type": "Bearer",
            "issued_at": "1278448832702",
        }
        return web.json_response(body)

    def _trouble(self, asked: Mapping[str, str]) -> str:
        if "credentials" in self.state.missing:
            return "invalid_client_id"
        if asked["grant_type"] == "client_credentials":
            right = asked["client_id"] == CLIENT_ID and asked["client_secret"] == CLIENT_SECRET
            return "" if right else "invalid_client"
        return self._wrong_assertion(asked["assertion"])

    def _wrong_assertion(self, assertion: str) -> str:
        try:
            claims = jwt.decode(assertion, self.public_key, ["RS256"], audience=AUDIENCE)
        except jwt.InvalidTokenError:
            return "invalid_grant"
        brief = claims["exp"] - claims["iat"] <= 180
        right = brief and claims["iss"] == CLIENT_ID and claims["sub"] == USERNAME
        return "" if right else "invalid_grant"

    async def _describe(self, request: web.Request) -> web.Response:
        missing = self.state.missing
        if trouble := self._closed(request):
            return trouble
        fields = [self._field(name) for name in self._known()]
        body = {"name": "Task", "createable": "task" not in missing, "fields": fields}
        return self._answer(body)

    def _field(self, name: str) -> dict[str, Any]:
        missing, key = self.state.missing, name == KEY_FIELD
        values = [{"value": one, "active": True} for one in self._picklist(name)]
        return {
            "name": name,
            "type": "double" if key and "type" in missing else _TYPES.get(name, "string"),
            "length": self._length(name),
            "createable": self._writable(name),
            "nillable": name not in {"Status", "Priority", OWN_FIELD},
            "defaultedOnCreate": name in {"Status", "Priority"},
            "filterable": name != "Description",
            "unique": key and "unique" not in missing,
            "externalId": key,
            "picklistValues": [*values, *_RETIRED] if values else [],
        }

    def _writable(self, name: str) -> bool:
        missing = self.state.missing
        closed = name == KEY_FIELD and "field access" in missing
        return name != "Id" and not closed and f"{name} access" not in missing

    def _length(self, name: str) -> int:
        short = name == KEY_FIELD and "length" in self.state.missing
        return 18 if short else _LIMITS.get(name, 0)

    def _picklist(self, name: str) -> Sequence[str]:
        if name == "Status" and "status" in self.state.missing:
            return ("Open", "Done")
        return _PICKLISTS.get(name, ())

    async def _query(self, request: web.Request) -> web.Response:
        status, body = self._select(request.query["q"])
        return self._answer(body, status)

    async def _batch(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if len(asked["batchRequests"]) > _PARTS_AT_ONCE:
            return _failed(400, "LIMIT_EXCEEDED", "too many parts")
        results = []
        for part in asked["batchRequests"]:
            (query,) = parse_qs(urlsplit(part["url"]).query)["q"]
            status, body = self._select(query)
            results.append({"statusCode": status, "result": body})
        errors = any(result["statusCode"] != 200 for result in results)
        return self._answer({"hasErrors": errors, "results": results})

    def _select(self, text: str) -> tuple[int, Any]:
        try:
            query = soql.read(text)
        except soql.MalformedQuery as error:
            return 400, [{"errorCode": "MALFORMED_QUERY", "message": str(error)}]
        if _MISSING_KIND.get(query.kind) in self.state.missing:
            message = f"sObject type '{query.kind}' is not supported."
            return 400, [{"errorCode": "INVALID_TYPE", "message": message}]
        found = query.select(self._rows(query.kind))
        return 200, {"totalSize": len(found), "done": True, "records": found}

    def _rows(self, kind: str) -> list[Mapping[str, Any]]:
        state = self.state
        if kind == "User":
            others = {} if "other users" in state.missing else state.users
            return [
                {"Id": user, "Email": email, "Username": f"{email}.org", "UserType": "Standard"}
                | {"IsActive": user not in self.inactive}
                for email, user in {USERNAME: INTEGRATION_USER, **others}.items()
            ]
        if kind == "Task":
            return [{"Id": task.id, **task.fields} for task in self._tasks.values()]
        if f"{kind.lower()} sharing" in state.missing:
            return []
        people = state.contacts if kind == "Contact" else state.leads
        return [
            {"Id": person, "Email": email, "IsConverted": person in self.converted}
            for email, person in people.items()
        ]

    async def _create(self, request: web.Request) -> web.Response:
        if trouble := self._closed(request):
            return trouble
        records = (await request.json())["records"]
        if len(records) > _RECORDS_AT_ONCE:
            return _failed(400, "EXCEEDED_ID_LIMIT", "record limit reached")
        unknown = {name for one in records for name in one if name != "attributes"} - self._known()
        if unknown:
            name = min(unknown)
            return _failed(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type Task")
        failed = self._trigger_fails(records)
        return self._answer(
            [self._save(one, self.trigger_error if failed else None) for one in records]
        )

    def _trigger_fails(self, records: Sequence[Mapping[str, Any]]) -> bool:
        stumbles = any(one["Subject"] in self.trigger_stumbles for one in records)
        return stumbles or len(records) > self.trigger_stands

    def _save(
        self, fields: dict[str, Any], trigger_error: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        if error := trigger_error or self._refusal(fields):
            self.outcomes[
                "replayed" if error["statusCode"] == "DUPLICATE_VALUE" else "refused"
            ] += 1
            return {"success": False, "errors": [{"fields": [], **error}]}
        task = Task(
            id=f"00T{self.next_number() + len(self._deleted):012d}EAA",
            key=str(fields.get(KEY_FIELD) or fields.get("CallObject")),
            subject=fields["Subject"],
            due=fields["ActivityDate"],
            fields={name: value for name, value in fields.items() if name != "attributes"},
            body=fields.get("Description"),
            owner=fields.get("OwnerId"),
            recipient=fields.get("WhoId"),
            related=fields.get("WhatId"),
            priority=fields.get("Priority"),
        )
        return {"id": self.store(task).id, "success": True, "errors": []}

    def _refusal(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        for name in _LIMITS:
            most = self._length(name)
            if _counted(fields.get(name) or "") > most:
                message = f"{name}: data value too large: {fields[name]} (max length={most})"
                return {"statusCode": "STRING_TOO_LONG", "message": message, "fields": [name]}
        if fields["Subject"] in self.state.refused:
            return dict(self.state.refused[fields["Subject"]])
        return (
            self._closed_field(fields)
            or self._wrong_value(fields)
            or self._wrong_link(fields)
            or self._duplicate(fields)
        )

    def _closed_field(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        closed = [name for name in _LINKS if name in fields and not self._writable(name)]
        if not closed:
            return None
        message = f"Unable to create/update fields: {', '.join(closed)}. Please check the security"
        code = "INVALID_FIELD_FOR_INSERT_UPDATE"
        return {"statusCode": code, "message": message, "fields": closed}

    def _wrong_value(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        if OWN_FIELD in self._known() and OWN_FIELD not in fields:
            message = f"Required fields are missing: [{OWN_FIELD}]"
            return {"statusCode": "REQUIRED_FIELD_MISSING", "message": message}
        if KEY_FIELD in fields and "type" in self.state.missing:
            message = f"{KEY_FIELD}: value not of required type: {fields[KEY_FIELD]}"
            code = "INVALID_TYPE_ON_FIELD_IN_RECORD"
            return {"statusCode": code, "message": message, "fields": [KEY_FIELD]}
        for name in _PICKLISTS:
            if fields[name] not in self._picklist(name):
                message = f"{name}: bad value for restricted picklist field: {fields[name]}"
                code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
                return {"statusCode": code, "message": message, "fields": [name]}
        return None

    def _wrong_link(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        who, what, owner = fields.get("WhoId"), fields.get("WhatId"), fields.get("OwnerId")
        people = {*self.state.contacts.values(), *self.state.leads.values()}
        for name, value in (("WhoId", who), ("WhatId", what)):
            if value and not _ID.fullmatch(value):
                message = f"{name}: id value of incorrect type: {value}"
                return {"statusCode": "MALFORMED_ID", "message": message, "fields": [name]}
        if owner in self.inactive:
            return {"statusCode": "INACTIVE_OWNER_OR_USER", "message": "inactive user"}
        if owner in self.retired:
            return {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid reference id"}
        if (who and who not in people) or (what and what not in self.state.records):
            return {"statusCode": "INVALID_CROSS_REFERENCE_KEY", "message": "invalid reference id"}
        if what and (who or "").startswith("00Q"):
            return {"statusCode": "FIELD_INTEGRITY_EXCEPTION", "message": "no WhatId with a lead"}
        return None

    def _duplicate(self, fields: dict[str, Any]) -> dict[str, Any] | None:
        kept = self._deleted if self.keeps_values_of_deleted else []
        tasks = [] if "unique" in self.state.missing else [*self._tasks.values(), *kept]
        there = [task for task in tasks if task.key == fields.get(KEY_FIELD)]
        if not there:
            return None
        message = f"duplicate value found: {KEY_FIELD} duplicates value on record with id: "
        return {"statusCode": "DUPLICATE_VALUE", "message": message + there[0].id[:15]}

    def _closed(self, request: web.Request) -> web.Response | None:
        if "api" in self.state.missing:
            return _failed(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this org")
        if "version" in self.state.missing and request.match_info["version"]:
            return _failed(404, "NOT_FOUND", "The requested resource does not exist")
        return None

    def _known(self) -> frozenset[str]:
        own = {OWN_FIELD} if "required" in self.state.missing else set()
        return (_FIELDS | own) - ({KEY_FIELD} if "field" in self.state.missing else set())

    def _answer(self, body: Any, status: int = 200) -> web.Response:
        used = 99_000 if "requests" in self.state.missing else 18
        headers = {"Sforce-Limit-Info": f"api-usage={used}/100000"}
        return web.json_response(body, status=status, headers=headers)


def _counted(text: str) -> int:
    """Return the length in UTF-16, a line break as two."""
    return len(text.replace("\n", "\r\n").encode("utf-16-le")) // 2


def _failed(status: int, code: str, message: str) -> web.Response:
    return web.json_response([{"message": message, "errorCode": code}], status=status)


if __name__ == "__main__":
    process.main(sys.argv[1:], Salesforce)
