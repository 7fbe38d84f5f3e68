"""From a task command to one input of HubSpot's batch create. Pure.

Properties and their values: https://developers.hubspot.com/docs/api-reference/latest/crm/activities/tasks/guide
"""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from schemas.task import Related, TaskCommand
from streams.crm import Refused
from streams.crm.clock import instant
from streams.crm.hubspot.options import Options

# From a task to a record of that kind, all HUBSPOT_DEFINED:
# https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide
_ASSOCIATION_TYPES = {"contacts": 204, "companies": 192, "deals": 216}
_KINDS = {
    "account": "companies",
    "company": "companies",
    "contact": "contacts",
    "deal": "deals",
    "opportunity": "deals",
}
_PRIORITIES = {"low": "LOW", "normal": "MEDIUM", "high": "HIGH"}
_BODY_LIMIT = 65_536  # characters of a text property
_LONGEST_ESCAPE = len("&amp;")


class Record(NamedTuple):
    """A record of HubSpot: "deals", "23125848331"."""

    kind: str
    id: str


@dataclass(frozen=True)
class Place:
    """Where in HubSpot a task belongs: its owner's id and the records it is shown on."""

    owner: str | None = None
    records: tuple[Record, ...] = ()

    def dropped(self, other: "Place") -> list[str]:
        """Return what the other has not: kinds of records, and "owner" if that is another."""
        kinds = {record.kind for record in self.records} - {one.kind for one in other.records}
        return sorted(kinds | ({"owner"} if self.owner != other.owner else set()))


def related_record(related: Related | None, options: Options) -> Record | None:
    """Return the record an enriched event names, if it can be one of this HubSpot's.

    Seismic may be connected to another CRM than the tasks go to; HubSpot's ids are numbers.
    """
    kind = _KINDS.get((related.type or "").lower()) if related else None
    if related is None or kind is None or kind not in options.related:
        return None
    return Record(kind, related.id) if related.id.isascii() and related.id.isdigit() else None


def lower(email: str | None) -> str | None:
    """Return the address as it is looked up, None for one of nothing but white space."""
    return email.strip().lower() or None if email else None


def blames_owner(refused: Refused) -> bool:
    """Say whether HubSpot's code or the property that it names is about the owner."""
    return "owner" in refused.reason.lower()


def batch_input(task: TaskCommand, place: Place, options: Options) -> dict[str, Any]:
    """Return one of the `inputs` of a batch create; its trace id is the command's key.

    Raises:
        Refused: the due day is none to HubSpot.
    """
    return {
        "objectWriteTraceId": str(task.key),
        "properties": _properties(task, place.owner, options),
        "associations": [_association(record) for record in place.records],
    }


def trace(one: Mapping[str, Any]) -> str:
    """Return the trace id of an input: the command's key."""
    return str(one["objectWriteTraceId"])


def _properties(task: TaskCommand, owner: str | None, options: Options) -> dict[str, str]:
    properties = {
        options.key_property: str(task.key),
        "hs_timestamp": _due(task, options),
        "hs_task_subject": task.subject,
        "hs_task_body": _rich_text(task.body or ""),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": _PRIORITIES[task.priority],
        "hs_task_type": options.task_type,
        "hubspot_owner_id": owner or "",
    }
    return {name: value for name, value in properties.items() if value}


def _due(task: TaskCommand, options: Options) -> str:
    moment = instant(task.due, options.due_time, ZoneInfo(options.time_zone))
    return f"{moment.replace(microsecond=0, tzinfo=None).isoformat()}.000Z"


def _rich_text(text: str) -> str:
    # The body is HTML. Escaping can make a text of the longest kind too long for the property.
    html = _html(text)
    return html if len(html) <= _BODY_LIMIT else _html(text[: _BODY_LIMIT // _LONGEST_ESCAPE])


def _html(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>")


def _association(record: Record) -> dict[str, Any]:
    kind = {
        "associationCategory": "HUBSPOT_DEFINED",
        "associationTypeId": _ASSOCIATION_TYPES[record.kind],
    }
    return {"to": {"id": record.id}, "types": [kind]}
