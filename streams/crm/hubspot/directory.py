"""Finds a task's place in HubSpot: its owner, its recipient's contact, the related record.

Nobody who is not found holds a task up: it goes to the second choice of owner, or to nobody, and
is shown on the records there are. Only HubSpot's being away, or a scope that is missing, does.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from schemas.task import Person, TaskCommand
from streams.crm.hubspot import wire
from streams.crm.hubspot.errors import Judged
from streams.crm.hubspot.mapping import Place, Record, lower, related_record
from streams.crm.hubspot.options import Options
from streams.crm.lookup import Lookup

Key = TypeVar("Key")

_OWNERS_AT_ONCE = 10  # one request each


class Directory:
    """Believes what it found for so many `seconds`.

    Safe for concurrent use within one event loop.
    """

    def __init__(self, ask: wire.Ask, options: Options, seconds: float) -> None:
        self._ask = ask
        self._options = options
        self._owners = Lookup[str, str](self._find_owners, _OWNERS_AT_ONCE, seconds)
        self._contacts = Lookup[str, str](self._find_contacts, wire.MOST, seconds)
        self._records = Lookup[Record, Record](self._find_records, wire.MOST, seconds)

    async def place(self, task: TaskCommand, but: Collection[str] = ()) -> Place:
        """Return where the task belongs; to none of these owners.

        Raises:
            Unavailable: HubSpot cannot be asked now, or not with this token.
        """
        owner = await self._owner(task, but)
        records = [await self._contact(task), await self._related(task)]
        return Place(owner, tuple(dict.fromkeys(one for one in records if one)))

    def forget(self, task: TaskCommand) -> None:
        """Ask HubSpot again for the task's records the next time: its place was refused."""
        self._contacts.forget(_email(task.recipient) or "")
        if record := related_record(task.related, self._options):
            self._records.forget(record)

    def refuse(self, task: TaskCommand, owners: Collection[str]) -> None:
        """Shortly take these for nobody: HubSpot gives them no task."""
        for person in (task.owner, task.fallback_owner):
            self._owners.refuse(_email(person) or "", owners)

    async def close(self) -> None:
        """Give up what is being looked up."""
        for lookup in (self._owners, self._contacts, self._records):
            await lookup.close()

    async def _owner(self, task: TaskCommand, but: Collection[str]) -> str | None:
        for person in (task.owner, task.fallback_owner):
            email = _email(person)
            if email and (found := await self._owners.get(email)) and found not in but:
                return found
        return None

    async def _contact(self, task: TaskCommand) -> Record | None:
        email = _email(task.recipient)
        found = await self._contacts.get(email) if email else None
        return Record("contacts", found) if found else None

    async def _related(self, task: TaskCommand) -> Record | None:
        record = related_record(task.related, self._options)
        return await self._records.get(record) if record else None

    async def _find_owners(self, emails: Sequence[str]) -> Mapping[str, str]:
        found = await asyncio.gather(*(self._find_owner(email) for email in emails))
        return {email: owner for email, owner in zip(emails, found, strict=True) if owner}

    async def _find_owner(self, email: str) -> str | None:
        try:
            members = await self._ask(wire.read_owner(email))
        except Judged:
            return None
        same = (one for one in wire.results(members) if lower(str(one.get("email"))) == email)
        return next((str(one["id"]) for one in same), None)

    async def _find_contacts(self, emails: Sequence[str]) -> Mapping[str, str]:
        return await _by_halves(emails, self._read_contacts)

    async def _read_contacts(self, emails: Sequence[str]) -> Mapping[str, str]:
        return wire.by_email(await self._ask(wire.read_contacts(emails)))

    async def _find_records(self, records: Sequence[Record]) -> Mapping[Record, Record]:
        kinds = defaultdict(list)
        for record in records:
            kinds[record.kind].append(record)
        found = [await _by_halves(same, self._read_records) for same in kinds.values()]
        return {key: value for one in found for key, value in one.items()}

    async def _read_records(self, records: Sequence[Record]) -> Mapping[Record, Record]:
        kind = records[0].kind
        members = await self._ask(wire.read_records(kind, [record.id for record in records]))
        there = (Record(kind, str(one["id"])) for one in wire.results(members))
        return {record: record for record in there}


async def _by_halves(
    keys: Sequence[Key], read: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Any]]]
) -> dict[Key, Any]:
    """Read all; where HubSpot judges the request, find those it was not for, and read them."""
    try:
        return dict(await read(keys))
    except Judged:
        if len(keys) == 1:
            return {}
        middle = len(keys) // 2
        return await _by_halves(keys[:middle], read) | await _by_halves(keys[middle:], read)


def _email(person: Person | None) -> str | None:
    return lower(person.email) if person else None
