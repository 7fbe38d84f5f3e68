"""How a report spells times, numbers, and text it does not trust."""

_ESCAPE = {ord("\n"): " ", ord("\t"): " "}


def clock(seconds: float) -> str:
    """Return a time span as `12:31` or, from an hour on, `1:10:05`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def precise(seconds: float | None) -> str:
    """Return a measured time as `0.512 s`, with three digits that count; `-` for none."""
    if seconds is None:
        return "-"
    return f"{seconds:.3f} s" if seconds < 10 else f"{seconds:.1f} s"  # noqa: PLR2004 - digits


def printable(text: object) -> str:
    """Return the text without anything that would steer a terminal or break a page."""
    plain = str(text).translate(_ESCAPE)
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in plain)


def count(number: int, what: str) -> str:
    """Return `1 seed`, `2 seeds`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
