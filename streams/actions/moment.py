"""When something happened, of the times a payload tells."""

from datetime import UTC, datetime

from schemas.events.payload import Time

# .NET's zero (year 1) and its MaxValue (year 9999) mean "unknown", and no date follows the latter.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def first_known(*told: Time | None) -> datetime | None:
    """Return the first of these times that can be one, aware; epoch milliseconds count, too."""
    for time in told:
        moment = _read(time)
        if moment and _EARLIEST < moment < _LATEST:
            return moment
    return None


def _read(time: Time | None) -> datetime | None:
    try:
        if isinstance(time, int):
            return datetime.fromtimestamp(time / 1000, UTC)
        moment = datetime.fromisoformat(time or "")
    except (ValueError, OverflowError, OSError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
