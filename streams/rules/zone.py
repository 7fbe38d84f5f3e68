"""Time zones by their IANA name."""

from zoneinfo import available_timezones


def known_zone(name: str) -> str:
    """Return `name` if the time zone exists.

    Raises:
        ValueError: it does not.
    """
    if name not in available_timezones():
        raise ValueError(f"there is no time zone {name!r}, try UTC, Europe/Berlin")
    return name
