"""I10: a tenant's records are under its own key, in its partition, in their type's topic."""

from collections.abc import Iterator
from functools import cache
from itertools import chain

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from schemas.partitioner import partition_for


def cross_tenant(evidence: Evidence) -> Iterator[Breach]:
    """A record under another key than its tenant's, a task under another tenant."""
    past = evidence.history
    keys = {tenant: tenant.encode() for tenant in {event.tenant for event in past.events}}
    for record in chain(past.raw, past.outputs):
        event = evidence.by_digest.get(record.digest)
        if event and not event.poison and record.key != keys[event.tenant]:
            sentence = f"{name(event)} is at {place(record)} under key {record.key!r}"
            yield Breach("cross-tenant", sentence)
    yield from _cross_tenant_tasks(evidence)


def _cross_tenant_tasks(evidence: Evidence) -> Iterator[Breach]:
    asked = {to: event for event in evidence.history.events for to in event.recipients}
    for task in evidence.history.tasks:
        event = asked.get(task.recipient)
        if event and event.tenant != task.tenant:
            sentence = f"task {task.key} for {task.recipient} is under {task.tenant}"
            yield Breach("cross-tenant", f"{sentence}, but comes from {name(event)}")


def misplaced(evidence: Evidence) -> Iterator[Breach]:
    """A record in a partition that is not its key's; without a key any will do."""
    past = evidence.history

    @cache
    def home(key: bytes) -> int:
        return partition_for(key, past.partitions)

    for record in chain(past.raw, past.outputs, past.quarantine, past.commands):
        if record.key is not None and record.partition != home(record.key):
            sentence = f"key {record.key!r} belongs into partition {home(record.key)}"
            yield Breach("misplaced", f"{place(record)}: {sentence}")


def misrouted(evidence: Evidence) -> Iterator[Breach]:
    """An event in the topic of another type."""
    for record in evidence.history.outputs:
        event = evidence.by_digest.get(record.digest)
        if event and not event.poison and record.kind != f"event.{event.type}":
            yield Breach("misrouted", f"{name(event)} is at {place(record)}")
