"""An output's headers: what the source record carries, completed by what it lacks."""

from collections.abc import Callable

from aiokafka import ConsumerRecord

from schemas.headers import CE_ID, Headers


def inherited(record: ConsumerRecord, usual: Callable[[], Headers]) -> Headers:
    """Return the record's own headers, then those of `usual()` that it lacks.

    A record that the ingress wrote has them all; one from elsewhere may have none, or only those
    that a mirror or a tracer put there.
    """
    own: Headers = list(record.headers)
    for name, _ in own:
        if name == CE_ID:
            return own
    names = {name for name, _ in own}
    return own + [(name, value) for name, value in usual() if name not in names]
