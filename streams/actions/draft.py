"""From what an action found to a command, in the words of the event's rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas import names
from schemas.envelope import Envelope
from schemas.reasons import Malformed, Reason
from schemas.task import Kind, Person, Related, TaskCommand
from streams.actions.context import Context
from streams.rules import calendar, people, template
from streams.rules.template import Facts


@dataclass(frozen=True, slots=True)
class Draft:
    """One task before its rule is applied; `subject` is the template for a rule that has none."""

    kind: Kind
    key: UUID
    interaction_id: str
    sender: Person
    recipient: Person
    happened_at: datetime
    subject: str
    content: str = ""
    related: Related | None = None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A recipient or viewer who gets no task; `why` names nobody."""

    why: str


def command(draft: Draft, event: Envelope, context: Context) -> TaskCommand | LeftOut:
    """Apply the rule, unless an id or address of the recipient is none: the others get theirs.

    Raises:
        Malformed: the sender's or the interaction's is none; every command repeats it.
    """
    _check(draft)
    if flaw := _flaw(draft.recipient):
        return LeftOut(flaw)
    rule = context.rule
    day = calendar.local_day(draft.happened_at, rule)
    facts = _facts(draft, event, day.isoformat())
    subject = template.subject(rule.subject or draft.subject, facts)
    return TaskCommand(
        kind=draft.kind,
        key=draft.key,
        tenant_id=event.tenant_id,
        event_id=event.event_id,
        event_type=event.spelling,
        interaction_id=draft.interaction_id,
        owner=people.owner(draft.sender, rule),
        fallback_owner=people.fallback_owner(rule),
        recipient=draft.recipient,
        # No CRM shows a task without a subject; placeholders may leave none.
        subject=subject if subject.strip() else template.subject(draft.subject, facts),
        body=template.body(rule.body, facts) if rule.body else None,
        priority=rule.priority,
        due=calendar.due(day, rule),
        related=draft.related,
    )


def _check(draft: Draft) -> None:
    """Ask of these what the envelope asks of its own, see `schemas.names`."""
    told = {
        "the interaction's id": draft.interaction_id,
        "the sender's id": draft.sender.id,
        "the sender's address": draft.sender.email,
    }
    if flaw := _first_flaw(told):
        raise Malformed(Reason.WRONG_SHAPE, flaw)


def _flaw(recipient: Person) -> str | None:
    return _first_flaw({"a recipient's id": recipient.id, "a recipient's address": recipient.email})


def _first_flaw(told: Mapping[str, str | None]) -> str | None:
    flaws = ((what, names.flaw(name)) for what, name in told.items() if name)
    return next((f"{what} is a string {flaw}" for what, flaw in flaws if flaw), None)


def _facts(draft: Draft, event: Envelope, day: str) -> Facts:
    related = draft.related
    return Facts(
        recipient=_name(draft.recipient),
        sender=_name(draft.sender),
        content=draft.content,
        related=(related.name or related.id) if related else "",
        date=day,
        tenant=event.tenant_id,
        interaction=draft.interaction_id,
        event_type=event.spelling,
    )


def _name(person: Person) -> str:
    return person.email or person.id or ""
