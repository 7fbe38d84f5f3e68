"""Deduplicate and split: the decision, without I/O.

A record becomes exactly one of: an event in its type's topic, a dropped duplicate, a quarantined
record. So the books balance: raw = written + duplicates + quarantined.
"""

from collections import Counter
from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from schemas import envelope, headers
from schemas.envelope import Envelope
from schemas.reasons import Malformed, Reason
from schemas.topics import Topics
from streams.inherit import inherited
from streams.marks import mark_key
from streams.quarantine import set_aside
from streams.transaction import Output


@dataclass(slots=True)
class Decision:
    """What one batch leads to; `marks` maps a mark's key to the source offset of its event."""

    outputs: list[Output] = field(default_factory=list)
    marks: dict[bytes, int] = field(default_factory=dict)
    duplicates: int = 0
    quarantined: Counter[Reason] = field(default_factory=Counter)


def decide(
    records: Iterable[ConsumerRecord],
    known: Container[bytes],
    topics: Topics,
    legacy_tenant: str,
) -> Decision:
    """Decide on the records of one partition, in order.

    Args:
        records: records of the raw topic.
        known: marks of what was written before.
        topics: where things go.
        legacy_tenant: whose a record is that has neither tenant nor key.
    """
    decision = Decision()
    for record in records:
        try:
            event = _event(record, legacy_tenant)
        except Malformed as malformed:
            decision.outputs.append(set_aside(record, malformed, topics.quarantine.name))
            decision.quarantined[malformed.reason] += 1
            continue
        key = mark_key(event.tenant_id, event.event_id)
        if key in decision.marks or key in known:
            decision.duplicates += 1
            continue
        decision.marks[key] = record.offset
        decision.outputs.append(_split(record, event, topics))
    return decision


def _event(record: ConsumerRecord, legacy_tenant: str) -> Envelope:
    """The key is the tenant the ingress found; only a legacy body needs to be told."""
    if record.value is None:
        raise Malformed(Reason.NOT_JSON, "a record without a value")
    told = record.key.decode(errors="replace") if record.key else legacy_tenant
    return envelope.read(record.value, legacy_tenant=told)


def _split(record: ConsumerRecord, event: Envelope, topics: Topics) -> Output:
    return Output(
        topic=topics.events[event.spelling].name,
        key=record.key or event.tenant_id.encode(),
        value=record.value,
        headers=inherited(record, lambda: headers.of_event(event, record.timestamp)),
        timestamp_ms=record.timestamp,
    )
