"""Whether the object Task, as Salesforce describes it, is what the connector needs. Pure.

https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_describesobjects_describesobjectresult.htm
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from streams.crm import Finding
from streams.crm.salesforce.options import Options
from streams.crm.salesforce.record import priority

KEY_LENGTH = 36
_WRITTEN = ("Subject", "Description", "ActivityDate", "Priority", "Status")
_ALWAYS = frozenset(_WRITTEN) - {"Description"}
_LINKS = ("OwnerId", "WhatId")
_TEXTS = frozenset({"string", "textarea"})

Field = Mapping[str, Any]


def findings(task: Mapping[str, Any], options: Options) -> Iterator[Finding]:
    """Yield what the description tells, in the order of `docs/crm/salesforce.md`.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it is none.
    """
    fields = {field["name"]: field for field in task["fields"]}
    written = (*_WRITTEN, *_LINKS, *["WhoId"] * bool(options.link_to), *options.fields)
    closed = [name for name in written if not fields.get(name, {}).get("createable")]
    demanded = _demanded(fields.values(), options)
    unknown = _unknown(fields, options)
    yield finding(
        "tasks can be created",
        task.get("createable"),
        "give the integration user Edit Tasks (and Create on Task)",
    )
    yield finding(
        "fields of Task can be set",
        not closed,
        f"give Edit on these fields: {', '.join(closed)}",
    )
    yield finding(
        "required fields are set",
        not demanded,
        f"set these in options: fields: {', '.join(demanded)}",
    )
    yield finding(
        "status and priorities are values of their picklists",
        not unknown,
        f"these are not, choose others in options: {', '.join(unknown)}",
    )
    wrong = _wrong(fields.get(options.key_field), options)
    yield finding(f"the key's field {options.key_field}", not wrong, wrong)


def finding(subject: str, ok: object, remedy: str) -> Finding:
    """Return the finding, without the remedy where all is well."""
    return Finding(subject, bool(ok), "" if ok else remedy)


def _demanded(fields: Iterable[Field], options: Options) -> list[str]:
    given = {*_ALWAYS, options.key_field, *options.fields}
    return [field["name"] for field in fields if _required(field) and field["name"] not in given]


def _required(field: Field) -> bool:
    optional = field.get("nillable", True) or field.get("defaultedOnCreate")
    return bool(field.get("createable")) and not optional


def _unknown(fields: Mapping[str, Field], options: Options) -> list[str]:
    priorities = [priority(level, options) for level in ("low", "normal", "high")]
    sent = {"Status": [options.status], "Priority": priorities}
    return [
        f"{name} {value}"
        for name, values in sent.items()
        if name in fields
        for value in values
        if value not in _choices(fields[name])
    ]


def _choices(field: Field) -> set[str]:
    return {one["value"] for one in field.get("picklistValues") or [] if one.get("active")}


def _wrong(field: Field | None, options: Options) -> str:
    if field is None:
        return (
            "create it on the object Activity: Text(255), Unique (case sensitive), External ID;"
            " give the integration user Edit on it; or set query_first and another key_field"
        )
    if not field.get("createable"):
        return "give the integration user Edit on the field (field-level security)"
    if field.get("type") not in _TEXTS or field.get("length", 0) < KEY_LENGTH:
        return f"a key has {KEY_LENGTH} characters: make the field Text(255), or choose another"
    if options.query_first:
        return "" if field.get("filterable") else "choose a key_field that queries can filter by"
    return (
        "" if field.get("unique") else "tick Unique in the field's definition, or set query_first"
    )
