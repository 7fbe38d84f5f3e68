"""A LiveSend email was sent: one follow-up task for each distinct recipient.

Seismic documents the idea ("your server creates follow up tasks in CRM") and none of the rules, so
they are ours: recipients of type `to`, told apart by lower-cased address; the sender owns the
task; it is due some business days after the send.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from schemas.envelope import Envelope
from schemas.events.email import CrmContext, Email, Recipient
from schemas.task import Person, Related, TaskCommand, task_key
from streams.actions.context import Context

_SATURDAY = 5
# .NET's zero (year 1) and its MaxValue (year 9999) mean "unknown", and no date follows the latter.
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def follow_up_recipients(event: Envelope, context: Context) -> Iterator[TaskCommand]:
    """Yield one task command per distinct `to` recipient of the event."""
    email = Email.model_validate(event.data)
    interaction = email.interaction_id or event.event_id
    sent_at = _sent_at(email, event) or context.received_at
    due = add_business_days(sent_at.astimezone(UTC).date(), context.due_business_days)
    for identity, recipient in distinct_recipients(email).items():
        yield TaskCommand(
            key=task_key(event.tenant_id, interaction, identity),
            tenant_id=event.tenant_id,
            event_id=event.event_id,
            event_type=event.spelling,
            interaction_id=interaction,
            owner=Person(id=email.user_id, email=email.user_email),
            recipient=Person(id=recipient.id, email=recipient.email),
            subject=f"Follow up: LiveSend to {recipient.email or recipient.id}",
            due=due,
            related=_related(recipient),
        )


def distinct_recipients(email: Email) -> dict[str, Recipient]:
    """Return the `to` recipients by identity: lower-cased address, else Seismic's id."""
    distinct: dict[str, Recipient] = {}
    for recipient in email.recipients:
        identity = (recipient.email or "").strip().lower() or recipient.id
        if identity and (recipient.recipient_type or "to").lower() == "to":
            distinct.setdefault(identity, recipient)
    return distinct


def add_business_days(start: date, days: int) -> date:
    """Return the date `days` business days after `start`, counting Monday to Friday.

    With 0 days a weekend moves to the Monday after it.
    """
    day = start
    while days > 0 or day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
        if day.weekday() < _SATURDAY:
            days = max(0, days - 1)
    return day


def _sent_at(email: Email, event: Envelope) -> datetime | None:
    """Prefer the time of the send over the time of the event; either may be unknown."""
    for text in (email.interaction_occurred_at, event.occurred_at):
        try:
            moment = datetime.fromisoformat(text or "")
        except ValueError:
            continue
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if _EARLIEST < aware < _LATEST:
            return aware
    return None


def _related(recipient: Recipient) -> Related | None:
    """The first CRM record an enriched recipient names, opportunities before people."""
    named = [context for context in recipient.context if context.context_id]
    named.sort(key=_rank)
    if not named or named[0].context_id is None:
        return None
    return Related(type=named[0].context_type, id=named[0].context_id, name=named[0].context_name)


def _rank(context: CrmContext) -> int:
    return 0 if (context.context_type or "").lower() == "opportunity" else 1
