"""Records as a consumer would hand them out, for tests without a broker."""

from collections.abc import Iterable

from aiokafka import ConsumerRecord

from schemas.headers import Headers

NOON_MS = 1_775_563_200_000
"""2026-04-07T12:00:00Z, a Tuesday."""


def record(  # noqa: PLR0913 - a record has that many parts, each with a usual value
    value: bytes | None,
    offset: int = 0,
    key: bytes | None = b"tenant-a",
    headers: Headers | None = None,
    *,
    topic: str = "seismic.raw",
    timestamp: int = NOON_MS,
) -> ConsumerRecord:
    """Return one record of partition 3."""
    sizes = (len(key) if key is not None else -1, len(value) if value is not None else -1)
    return ConsumerRecord(
        topic, 3, offset, timestamp, 0, key, value, None, *sizes, tuple(headers or [])
    )


def records(values: Iterable[bytes | None], first: int = 0) -> list[ConsumerRecord]:
    """Return consecutive records with these values."""
    return [record(value, first + n) for n, value in enumerate(values)]
