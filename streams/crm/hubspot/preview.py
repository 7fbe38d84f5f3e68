"""What the connector would send for one command. Pure."""

from collections.abc import Iterator

from schemas.task import TaskCommand
from streams.crm import OWNER_ID, RECIPIENT_ID, Request
from streams.crm.hubspot import wire
from streams.crm.hubspot.mapping import Place, Record, batch_input, lower, related_record
from streams.crm.hubspot.options import Options


def requests(task: TaskCommand, options: Options) -> list[Request]:
    """Return the look-ups, as if each found something, and the creation."""
    key = str(task.key)
    guard = [wire.search_tasks([key], options.key_property)] if options.guard == "search" else []
    creation = wire.create([batch_input(task, _place(task, options), options)])
    return [*_lookups(task, options), *guard, creation]


def _lookups(task: TaskCommand, options: Options) -> Iterator[Request]:
    yield wire.read_property(options.key_property)
    if owner := _owner(task):
        yield wire.read_owner(owner)
    if recipient := lower(task.recipient.email):
        yield wire.read_contacts([recipient])
    if record := related_record(task.related, options):
        yield wire.read_records(record.kind, [record.id])


def _place(task: TaskCommand, options: Options) -> Place:
    contact = Record("contacts", RECIPIENT_ID) if lower(task.recipient.email) else None
    records = (contact, related_record(task.related, options))
    return Place(OWNER_ID if _owner(task) else None, tuple(one for one in records if one))


def _owner(task: TaskCommand) -> str | None:
    """Return the address of the first choice that has one."""
    choices = [one for one in (task.owner, task.fallback_owner) if one]
    return next(filter(None, (lower(one.email) for one in choices)), None)
