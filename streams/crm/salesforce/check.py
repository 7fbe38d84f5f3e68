"""Whether the organisation is set up for the connector. Reads only."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from streams.crm import Finding, Refused, Request, Unavailable
from streams.crm.answer import Answer
from streams.crm.call import Caller
from streams.crm.salesforce import soql
from streams.crm.salesforce.answers import content, found
from streams.crm.salesforce.options import Options
from streams.crm.salesforce.reserve import SHARE, nearly_used_up, usage

_WRITTEN = ("Subject", "Description", "ActivityDate", "Priority", "Status")
_READ = {
    "User": "owners cannot be found: give the integration user View All Users",
    "Contact": "recipients cannot be linked: give Read on Contact, or take it out of link_to",
    "Lead": "recipients cannot be linked: give Read on Lead, or take it out of link_to",
}


async def check(caller: Caller, options: Options) -> Sequence[Finding]:
    """Return what was found; the first failure to reach Salesforce is the last finding."""
    path = f"/services/data/v{options.api_version}/sobjects/Task/describe"
    try:
        answer = await caller.send(Request("GET", path))
        task = content(answer, datetime.now(UTC))
    except (Refused, Unavailable) as error:
        return [Finding("log-in, API and object Task", ok=False, remedy=_remedy(error.reason))]
    findings = [
        Finding("log-in, API and object Task", ok=True),
        *_task(task, options),
        _limit(answer),
    ]
    kinds = ("User", *options.link_to)
    return [*findings, *[await _readable(caller, options, kind) for kind in kinds]]


def _remedy(reason: str) -> str:
    return (
        f"{reason}: check URL and credentials, the connected app's permitted users, the API Enabled"
        " permission, Access Activities, and api_version"
    )


def _task(task: Mapping[str, Any], options: Options) -> Sequence[Finding]:
    fields = {field["name"]: field for field in task["fields"]}
    written = [*_WRITTEN, *options.fields]
    closed = [name for name in written if not fields.get(name, {}).get("createable")]
    return [
        _finding(
            "tasks can be created",
            task.get("createable"),
            "give the integration user Edit Tasks (and Create on Task)",
        ),
        _finding(
            "fields of Task can be set",
            not closed,
            f"give Edit on these fields: {', '.join(closed)}",
        ),
        _key_field(fields.get(options.key_field), options),
    ]


def _key_field(field: Mapping[str, Any] | None, options: Options) -> Finding:
    name = options.key_field
    return _finding(f"the key's field {name}", not (wrong := _wrong(field, options)), wrong)


def _wrong(field: Mapping[str, Any] | None, options: Options) -> str:
    if field is None:
        return (
            "create it on the object Activity: Text(255), Unique (case sensitive), External ID;"
            " give the integration user Edit on it; or set query_first and another key_field"
        )
    if not field.get("createable"):
        return "give the integration user Edit on the field (field-level security)"
    if options.query_first:
        return "" if field.get("filterable") else "choose a key_field that queries can filter by"
    return (
        "" if field.get("unique") else "tick Unique in the field's definition, or set query_first"
    )


def _limit(answer: Answer) -> Finding:
    used = usage(answer)
    share = f": {used[0]} of {used[1]} used" if used else ""
    return _finding(
        f"API requests of the day{share}",
        not nearly_used_up(answer),
        f"the last {SHARE:.0%} are left to others: buy more, or see which program uses them",
    )


async def _readable(caller: Caller, options: Options, kind: str) -> Finding:
    subject = f"{kind} can be read"
    request = soql.batch(options.api_version, [soql.any_of(kind)])
    try:
        answer = content(await caller.send(request), datetime.now(UTC))
        found(answer, 1)
    except (Refused, Unavailable) as error:
        return Finding(subject, ok=False, remedy=f"{error.reason}: {_READ[kind]}")
    return Finding(subject, ok=True)


def _finding(subject: str, ok: object, remedy: str) -> Finding:
    return Finding(subject, bool(ok), "" if ok else remedy)
