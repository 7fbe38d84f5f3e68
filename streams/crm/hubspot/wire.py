"""HubSpot's requests, and what their answers hold. Pure.

The API is versioned by date; a version is supported for 18 months:
https://developers.hubspot.com/docs/api-reference/latest/overview
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from streams.crm import Request

Ask = Callable[[Request], Awaitable[dict[str, Any]]]
"""Sends a request and returns the members of the answer; see `errors.carried_out` for the rest."""

VERSION = "2026-09"
MOST = 100
"""Most inputs of a batch: https://developers.hubspot.com/docs/api-reference/latest/crm/using-object-apis"""
KEYS_A_SEARCH = 50
"""A search's body may have 3,000 characters; 100 keys are more, whatever the property's name:
https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm
"""

_TASKS = f"/crm/objects/{VERSION}/tasks"
_EMAILS = ["email", "hs_additional_emails"]


def create(inputs: Sequence[Mapping[str, Any]]) -> Request:
    """Create tasks. Each input's trace id makes a failure that input's alone, told in a 207."""
    return _post(f"{_TASKS}/batch/create", {"inputs": inputs})


def read_tasks(keys: Iterable[str], key_property: str, *, archived: bool = False) -> Request:
    """Read the tasks that have these keys; `archived`: those in the recycling bin instead."""
    path = f"{_TASKS}/batch/read" + ("?archived=true" if archived else "")
    return _post(path, _by(key_property, keys, [key_property]))


def search_tasks(keys: Iterable[str], key_property: str) -> Request:
    """Search for tasks that have these keys; the index is some moments behind."""
    known = {"propertyName": key_property, "operator": "IN", "values": list(keys)}
    return _post(
        f"{_TASKS}/search",
        {
            "filterGroups": [{"filters": [known]}],
            "properties": [key_property],
            "limit": MOST,
        },
    )


def read_contacts(emails: Iterable[str]) -> Request:
    """Read the contacts that have these e-mail addresses."""
    return _post(f"/crm/objects/{VERSION}/contacts/batch/read", _by("email", emails, _EMAILS))


def read_records(kind: str, ids: Iterable[str]) -> Request:
    """Read the records of one kind that have these ids."""
    body = {"properties": ["hs_object_id"], "inputs": [{"id": one} for one in ids]}
    return _post(f"/crm/objects/{VERSION}/{kind}/batch/read", body)


def read_owner(email: str) -> Request:
    """Read the active owners that have this e-mail address: one, or none."""
    return Request("GET", f"/crm/owners/{VERSION}?" + urlencode({"email": email, "limit": 100}))


def read_owners() -> Request:
    """Read one owner, to see whether that is allowed."""
    return Request("GET", f"/crm/owners/{VERSION}?limit=1")


def read_property(name: str) -> Request:
    """Read the definition of a property of tasks."""
    return Request("GET", f"/crm/properties/{VERSION}/tasks/{name}")


def read_account() -> Request:
    """Read which account the token belongs to."""
    return Request("GET", f"/account-info/{VERSION}/details")


def keyed(members: Mapping[str, Any], key_property: str) -> dict[str, str]:
    """Return the ids of the answer's tasks by their key."""
    return {
        str(key): str(one["id"])
        for one in results(members)
        if (key := properties(one).get(key_property) or one.get("objectWriteTraceId"))
    }


def by_email(members: Mapping[str, Any]) -> dict[str, str]:
    """Return the ids of the answer's contacts by each of their addresses, in lower case."""
    return {
        email.strip().lower(): str(one["id"])
        for name in reversed(_EMAILS)  # a primary address is stronger
        for one in results(members)
        for email in str(properties(one).get(name) or "").split(";")
        if email.strip()
    }


def failures(members: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield trace id and error of each input that a 207 says has failed."""
    for error in _dicts(members.get("errors")):
        context = error.get("context")
        traces = context.get("objectWriteTraceId") if isinstance(context, dict) else None
        for trace in traces if isinstance(traces, list) else []:
            yield str(trace), error


def results(members: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the answer's records: those that are records and have an id."""
    return [one for one in _dicts(members.get("results")) if "id" in one]


def properties(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record's properties."""
    found = record.get("properties")
    return found if isinstance(found, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _by(id_property: str, ids: Iterable[str], wanted: Sequence[str]) -> dict[str, Any]:
    inputs = [{"id": one} for one in ids]
    return {"idProperty": id_property, "properties": wanted, "inputs": inputs}


def _post(path: str, body: Mapping[str, Any]) -> Request:
    return Request("POST", path, orjson.dumps(body))
