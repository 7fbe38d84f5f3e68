"""A task command as a Salesforce Task. Pure.

Fields and their limits: https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_task.htm
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.task import TaskCommand
from streams.crm.salesforce.options import Options
from streams.crm.units import cut

SUBJECT_LIMIT = 255
DESCRIPTION_LIMIT = 32_000
TEXT_FIELDS = frozenset({"Subject", "Description"})
LINK_FIELDS = frozenset({"OwnerId", "WhoId", "WhatId"})
LEAD = "00Q"
_PEOPLE = frozenset({"003", LEAD, "005"})  # contacts, leads and users are no WhatId
_PREFIXES = {"account": "001", "opportunity": "006"}
_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?", re.ASCII)
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True)
class Links:
    """Ids of the records a task belongs to: OwnerId, WhoId (contact or lead), WhatId (the rest).

    A task about a lead has no WhatId: Salesforce allows none
    (https://rioeducation.com/salesforce-activity-whatid-whoid/).
    """

    owner: str | None = None
    who: str | None = None
    what: str | None = None

    def fields(self) -> dict[str, str]:
        """Return the fields that are known."""
        what = None if (self.who or "").startswith(LEAD) else self.what
        known = {"OwnerId": self.owner, "WhoId": self.who, "WhatId": what}
        return {name: value for name, value in known.items() if value}

    def without(self, refused: Iterable[str]) -> "Links":
        """Return the links with those gone that Salesforce names as refused.

        Where it names none of ours, the least certain goes: the related record, the person, the
        owner. The id of the related record came with the event, the others from Salesforce itself.
        """
        there = self.fields()
        named = [name for name in there if name in set(refused)]
        gone = named or [name for name in ("WhatId", "WhoId", "OwnerId") if name in there][:1]
        return Links(
            None if "OwnerId" in gone else self.owner,
            None if "WhoId" in gone else self.who,
            None if "WhatId" in gone else self.what,
        )


@dataclass(frozen=True)
class Item:
    """One task to create.

    `owners`: whose it may be if not the owner's. `found`: the links, but for those that are refused
    for sure, where `links` lacks some on suspicion. `halved`: its texts may be half as long, which
    is enough for one in which every character counts twice, as Salesforce counts line breaks.
    """

    task: TaskCommand
    links: Links
    owners: tuple[str, ...] = ()
    found: Links | None = None
    halved: bool = False

    def without(self, refused: Iterable[str]) -> "Item":
        """Return the item with fewer links (see `Links.without`), or with the next owner.

        An owner who is at fault is no reason to go without the records that were left out before.
        """
        fewer, found = self.links.without(refused), self.found or self.links
        if named := self.links.fields().keys() & set(refused):
            found = found.without(named)
        if fewer.owner == self.links.owner:
            return replace(self, links=fewer, found=found)
        links = replace(found, owner=next(iter(self.owners), None))
        return replace(self, links=links, owners=self.owners[1:], found=links)


def record(item: Item, options: Options) -> dict[str, Any]:
    """Return the record to create, as sObject Collections take it."""
    task = item.task
    share = 2 if item.halved else 1
    body = {"Description": cut(task.body, DESCRIPTION_LIMIT // share)} if task.body else {}
    return {
        "attributes": {"type": "Task"},
        **options.fields,
        "Subject": cut(task.subject, SUBJECT_LIMIT // share),
        **body,
        "ActivityDate": task.due.isoformat(),
        "Priority": priority(task.priority, options),
        "Status": options.status,
        options.key_field: str(task.key),
        **item.links.fields(),
    }


def priority(level: Literal["low", "normal", "high"], options: Options) -> str:
    """Return the priority as the organisation calls it."""
    return options.priorities.get(level, level.capitalize())


def related_id(task: TaskCommand) -> str | None:
    """Return the id of the related record if Salesforce may know it and tasks may be about it.

    The first three characters of an id tell its object, and the last three of 18 are a checksum:
    https://help.salesforce.com/s/articleView?id=000385203&type=1 (prefixes) and
    https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/field_types.htm (ID field type).
    """
    if task.related is None or not is_id(task.related.id):
        return None
    prefix = task.related.id[:3]
    expected = _PREFIXES.get((task.related.type or "").lower(), prefix)
    return task.related.id if prefix == expected and prefix not in _PEOPLE else None


def is_id(text: str) -> bool:
    """Say whether the text has the form of an id: 15 characters, or 18 with a right checksum."""
    return bool(_ID.fullmatch(text)) and text[15:].upper() in {"", _checksum(text[:15])}


def long_id(text: str) -> str:
    """Return the 18 characters of an id that messages cut to 15."""
    return text[:15] + _checksum(text[:15])


def _checksum(text: str) -> str:
    return "".join(_SUFFIX[_capitals(text[at : at + 5])] for at in (0, 5, 10))


def _capitals(five: str) -> int:
    return sum(1 << at for at, letter in enumerate(five) if "A" <= letter <= "Z")
