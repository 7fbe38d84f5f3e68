"""Which topics make up a history, and a record as it stands there."""

from collections.abc import Iterable

from ops.prove.history import Record, digest
from schemas import headers
from schemas.topics import Topics

RAW, QUARANTINE, TASK, DEAD = "raw", "quarantine", "task", "task.dead"
OUTPUT = "event."


def read_kinds(prefix: str) -> list[str]:
    """Return the kinds that both readers read: raw, outputs, quarantine, commands, dead letters."""
    return [kind for topic in Topics(prefix) if is_read(kind := topic.name.removeprefix(prefix))]


def is_read(kind: str) -> bool:
    """Whether both readers read it."""
    return kind in (RAW, QUARANTINE, TASK, DEAD) or kind.startswith(OUTPUT)


def record(
    place: tuple[str, int, int],
    key: bytes | None,
    value: bytes | None,
    sent: Iterable[tuple[str, bytes | None]],
) -> Record:
    """Return the record at (kind, partition, offset); `sent` are its headers."""
    source = _source(dict(sent)) if place[0] == QUARANTINE else None
    return Record(*place, digest(value or b""), key, source)


def _source(sent: dict[str, bytes | None]) -> tuple[int, int] | None:
    """What the ingress quarantined comes from a request, and has no source."""
    partition, offset = sent.get(headers.SOURCE_PARTITION), sent.get(headers.SOURCE_OFFSET)
    return None if partition is None or offset is None else (int(partition), int(offset))
