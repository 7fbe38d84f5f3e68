"""Templates of a task's subject and text: known placeholders in braces, and nothing else.

A placeholder can only name a field of `Facts`, and no fact says where or on what device anybody
was. So no template, whoever wrote it, puts a viewer's whereabouts into a CRM.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from string import Formatter

from schemas.names import CONTROL_CHARACTER

SUBJECT_LIMIT = 255
BODY_LIMIT = 32_000
"""What every CRM that we deliver to can hold, in characters."""

_CUT = "…"


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
            raise ValueError(f"{{{name}}} is no placeholder; there are: {_listed()}")
    return template


def subject(template: str, facts: Facts) -> str:
    """Fill in a checked template: one line, not longer than a subject may be."""
    return _cut(CONTROL_CHARACTER.sub(" ", _filled(template, facts)), SUBJECT_LIMIT)


def body(template: str, facts: Facts) -> str:
    """Fill in a checked template, not longer than a text may be."""
    return _cut(_filled(template, facts), BODY_LIMIT)


def _filled(template: str, facts: Facts) -> str:
    return "".join(_pieces(template, facts))


def _pieces(template: str, facts: Facts) -> Iterator[str]:
    for literal, name, _, _ in Formatter().parse(template):
        yield literal
        if name is not None:
            yield getattr(facts, name)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _listed() -> str:
    return ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
