"""What comes in and what goes out: one call, and one record on its way to Kafka."""

from typing import NamedTuple

from ingress.answers import Answer
from schemas.headers import Headers


class Call(NamedTuple):
    """What a caller sent, as far as it matters."""

    body: bytes
    signatures: tuple[bytes, ...] = ()
    traceparent: str | None = None


class Record(NamedTuple):
    """Ready bytes: whoever stores them decides nothing.

    `key` None means any partition; `timestamp_ms` is epoch milliseconds; `answer` is given only
    after every in-sync replica has the record; `reason` is why it was set aside, if it was.
    """

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers
    timestamp_ms: int
    answer: Answer
    reason: str | None = None
