"""From what an action found to a command, in the words of the event's rule."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schemas.envelope import Envelope
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


def command(draft: Draft, event: Envelope, context: Context) -> TaskCommand:
    """Apply the rule."""
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
