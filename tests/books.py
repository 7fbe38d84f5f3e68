"""Balances the books: what went into the raw topic against what readers of the outputs see."""

from collections import Counter, defaultdict
from collections.abc import Iterable

from aiokafka import ConsumerRecord

from schemas import envelope
from schemas.reasons import Malformed

Identity = tuple[str, str]


def identity(record: ConsumerRecord) -> Identity | None:
    """Return (tenantId, id) of a record, None if it is no event."""
    try:
        event = envelope.read(record.value, legacy_tenant=(record.key or b"legacy").decode())
    except Malformed:
        return None
    return event.tenant_id, event.event_id


def balance(
    raw: Iterable[ConsumerRecord],
    events: Iterable[ConsumerRecord],
    quarantine: Iterable[ConsumerRecord],
) -> None:
    """Assert that every raw record became exactly one of event, duplicate, quarantined."""
    raw, events, quarantine = list(raw), list(events), list(quarantine)
    accepted = [identity(record) for record in raw]
    distinct = [who for who in dict.fromkeys(accepted) if who]
    poison = Counter(record.value for record, who in zip(raw, accepted, strict=True) if not who)
    out = Counter(map(identity, events))

    assert not (lost := set(distinct) - set(out)), f"{len(lost)} lost, e.g. {sorted(lost)[:3]}"
    assert not (twice := [who for who, n in out.items() if n > 1]), (
        f"{len(twice)} twice: {twice[:3]}"
    )
    assert len(out) == len(distinct), "something came out that never went in"
    assert Counter(record.value for record in quarantine) == poison
    duplicates = len(raw) - len(distinct) - poison.total()
    assert len(raw) == len(events) + duplicates + len(quarantine)
    assert _first_of_each(raw) == _order(events), "a tenant's events are out of order"
    values = {identity(record): record.value for record in reversed(raw)}
    assert all(values[identity(record)] == record.value for record in events)


def _order(records: Iterable[ConsumerRecord]) -> dict[tuple[str, str], list[str]]:
    """Return the ids in order, per topic-relevant stream: tenant and type."""
    order: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        event = envelope.read(record.value, legacy_tenant=(record.key or b"legacy").decode())
        order[event.tenant_id, event.spelling].append(event.event_id)
    return dict(order)


def _first_of_each(raw: Iterable[ConsumerRecord]) -> dict[tuple[str, str], list[str]]:
    seen: set[Identity] = set()
    first: list[ConsumerRecord] = []
    for record in raw:
        who = identity(record)
        if who and who not in seen:
            seen.add(who)
            first.append(record)
    return _order(first)
