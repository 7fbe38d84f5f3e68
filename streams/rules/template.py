"""Templates of a task's subject and text: known placeholders in braces, and nothing else.

A placeholder can only name a field of `Facts`, and no fact says where or on what device anybody
was. So no template, whoever wrote it, puts a viewer's whereabouts into a CRM.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from string import Formatter

from schemas.names import CONTROL_CHARACTER

SUBJECT_LIMIT = 255
BODY_LIMIT = 32_000
"""In characters: what Salesforce can hold; a connector whose CRM holds less cuts further."""

_CUT = "…"
_BREAK = re.compile(rf"{CONTROL_CHARACTER.pattern}|[\u2028\u2029]")
"""What is no part of one line: Unicode has two separators that are no control characters."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a template may say of one task; a fact that is not known is empty.

    `recipient` and `sender` are addresses, or Seismic's ids; `content` names what was sent or
    viewed; `related` the CRM record; `date` is the day of the send or view, in the rule's zone.
    """

    recipient: str = ""
    sender: str = ""
    content: str = ""
    related: str = ""
    date: str = ""
    tenant: str = ""
    interaction: str = ""
    event_type: str = ""


PLACEHOLDERS = tuple(field.name for field in fields(Facts))
PATTERN = rf"^([^{{}}]|\{{\{{|\}}\}}|\{{({'|'.join(PLACEHOLDERS)})\}})*$"
"""The same check as `checked`, for an editor."""

_FITS = re.compile(PATTERN)


def checked(template: str) -> str:
    """Return `template` if it can be filled in.

    Raises:
        ValueError: a brace without its partner, or something in braces that is no placeholder.
    """
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"{error}; write {{{{ or }}}} for a brace itself") from error
    for _, name, spec, conversion in parts:
        if name is not None and (name not in PLACEHOLDERS or spec or conversion):
            raise ValueError(f"{{{name}}} is no placeholder; there are: {_placeholders()}")
    if not _FITS.fullmatch(template):  # the library takes {recipient:} for {recipient}
        raise ValueError(f"only these may be in braces: {_placeholders()}")
    return template


def subject(template: str, facts: Facts) -> str:
    """Fill in a checked template: one line, not longer than a subject may be."""
    return _BREAK.sub(" ", _filled(template, facts, SUBJECT_LIMIT))


def body(template: str, facts: Facts) -> str:
    """Fill in a checked template, not longer than a text may be."""
    return _filled(template, facts, BODY_LIMIT)


def listed(names: Iterable[str]) -> str:
    """Return the names as one fact: no text has room for more of it than `BODY_LIMIT`."""
    return _cut(", ".join(names), BODY_LIMIT)


def _filled(template: str, facts: Facts, limit: int) -> str:
    """Fill in until there is no room: a short template may name a long fact thousands of times."""
    filled, length = [], 0
    for piece in _pieces(template, facts):
        filled.append(piece)
        length += len(piece)
        if length > limit:
            break
    return _cut("".join(filled), limit)


def _pieces(template: str, facts: Facts) -> Iterator[str]:
    for literal, name, _, _ in Formatter().parse(template):
        yield literal
        if name is not None:
            yield getattr(facts, name)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _placeholders() -> str:
    return ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
