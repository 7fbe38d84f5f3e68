"""The shapes of HubSpot's answers, for its fake: status and body."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.crm_fakes.server import Task

Answer = tuple[int, dict[str, Any]]

_CORRELATION = "c033cdaa-2c40-4a64-ae48-b4cec88dad24"
_SCOPES = "One or more of the following scopes are required."


class Refusal(Exception):
    """Why HubSpot does not create an input: its `error`, as HubSpot writes it."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(error.get("message"))
        self.error = {"status": "error", **error}


def record(task: Task) -> dict[str, Any]:
    return {"id": task.id, "properties": {**task.fields, "hs_object_id": task.id}}


def found(asked: Mapping[str, Any], find: Callable[[str], Any], name: str) -> Answer:
    wanted = [str(one["id"]) for one in asked["inputs"]]
    there = {one: find(one) for one in wanted}
    results = [record(v) if isinstance(v, Task) else v for v in there.values() if v]
    missing = [one for one, value in there.items() if not value]
    message = f"Could not get some {name} objects, they may be deleted or not exist."
    lost = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message}
    return batch(results, [{**lost, "context": {"ids": missing}}] if missing else [])


def batch(results: list[Any], errors: list[Any], all_well: int = 200) -> Answer:
    failed = {"numErrors": len(errors), "errors": errors} if errors else {}
    return 207 if errors else all_well, {"status": "COMPLETE", "results": results, **failed}


def invalid(name: str, code: str, message: str) -> Refusal:
    # In a 207 the codes are nowhere but in this text.
    listed = [{"isValid": False, "message": message, "error": code, "name": name}]
    text = f"Property values were not valid: {json.dumps(listed, separators=(',', ':'))}"
    return Refusal({"category": "VALIDATION_ERROR", "message": text})


def missing_scope(scope: str) -> Answer:
    context = {"requiredGranularScopes": [scope]}
    detail = {"message": _SCOPES, "context": context}
    return error(403, "MISSING_SCOPES", "This app hasn't been granted all scopes", errors=[detail])


def limited(policy: str) -> Answer:
    return 429, {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": _CORRELATION,
        "policyName": policy,
    }


def error(status: int, category: str, message: str, **more: Any) -> Answer:
    said = {"status": "error", "message": message, "correlationId": _CORRELATION}
    return status, {**said, "category": category, **more}
