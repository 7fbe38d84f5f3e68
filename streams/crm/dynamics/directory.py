"""Which records of Dataverse a command speaks of: its owner, its recipient, what it is about. Pure.

Answers are matched again here, exactly but for case: what a query finds beyond what was asked (its
comparison is the database's) is nobody's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from schemas.task import Person, TaskCommand
from streams.crm.dynamics.mapping import REGARDING, Target
from streams.crm.dynamics.odata import either, equal, guid, query

MOST = 10
"""Keys of one query: at their longest they make a URL of 8 KB, which any proxy lets through."""

ADDRESS_LIMIT = 100
"""Characters of the columns that hold addresses; a longer one can belong to nobody."""

PEOPLE = ("contact", "lead")
"""Where a recipient is sought, in this order."""

_USER_MAIL = ("internalemailaddress", "domainname")
_ACTIVE = "statecode eq 0"

Rows = Iterable[Mapping[str, object]]


def address(person: Person | None) -> str | None:
    """Return the key by which a person is looked up: the e-mail address in lower case."""
    found = person.email.strip().lower() if person and person.email else ""
    return found if 0 < len(found) <= ADDRESS_LIMIT else None


def owners(task: TaskCommand) -> list[str]:
    """Return the addresses of those whose task it may be, the first choice first."""
    found = map(address, (task.owner, task.fallback_owner))
    return list(dict.fromkeys(filter(None, found)))


def related(task: TaskCommand) -> Target | None:
    """Return the record the command is about, if it is one that a task can be about."""
    if task.related is None or (task.related.type or "").lower() not in REGARDING:
        return None
    key = guid(task.related.id)
    return Target((task.related.type or "").lower(), key) if key else None


def users_query(addresses: Sequence[str]) -> str:
    """Return the path that asks for the enabled users of these addresses or sign-in names."""
    matches = (equal(column, one) for one in addresses for column in _USER_MAIL)
    condition = f"isdisabled eq false and {either(matches)}"
    return query("systemusers", ["systemuserid", *_USER_MAIL], condition)


def users_found(rows: Rows, addresses: Sequence[str]) -> dict[str, UUID]:
    """Return whose the addresses are; an e-mail address counts before a sign-in name."""
    rows = sorted(rows, key=lambda row: str(row.get("systemuserid")))
    found = [_by(rows, column, "systemuserid") for column in reversed(_USER_MAIL)]
    return _wanted(addresses, found[0] | found[1])


def people_query(table: str, addresses: Sequence[str]) -> str:
    """Return the path that asks for the active contacts or leads of these addresses."""
    matches = (equal("emailaddress1", one) for one in addresses)
    columns = [f"{table}id", "emailaddress1", "createdon"]
    return query(REGARDING[table], columns, f"{_ACTIVE} and {either(matches)}")


def people_found(table: str, rows: Rows, addresses: Sequence[str]) -> dict[str, Target]:
    """Return which contact or lead has each address: of several, the oldest."""
    newest_first = sorted(rows, key=lambda row: str(row.get("createdon", "")), reverse=True)
    found = _by(newest_first, "emailaddress1", f"{table}id")
    return {one: Target(table, key) for one, key in _wanted(addresses, found).items()}


def targets_query(table: str, targets: Iterable[Target]) -> str:
    """Return the path that asks which of these records of one table there are."""
    matches = (equal(f"{table}id", target.key) for target in targets)
    return query(REGARDING[table], [f"{table}id"], either(matches))


def targets_found(table: str, rows: Rows) -> dict[Target, Target]:
    """Return the records there are."""
    keys = (guid(str(row.get(f"{table}id", ""))) for row in rows)
    there = [Target(table, key) for key in keys if key]
    return {target: target for target in there}


def by_table(targets: Iterable[Target]) -> Mapping[str, list[Target]]:
    """Return the records sorted into their tables."""
    tables: dict[str, list[Target]] = defaultdict(list)
    for target in targets:
        tables[target.table].append(target)
    return tables


def _by(rows: Rows, column: str, key_column: str) -> dict[str, UUID]:
    pairs = ((row.get(column), guid(str(row.get(key_column, "")))) for row in rows)
    return {str(value).lower(): key for value, key in pairs if value and key}


def _wanted(addresses: Sequence[str], found: Mapping[str, UUID]) -> dict[str, UUID]:
    return {one: found[one] for one in addresses if one in found}
