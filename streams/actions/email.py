"""A LiveSend email was sent: one follow-up task for each distinct recipient.

Seismic documents the idea ("your server creates follow up tasks in CRM") and none of the rules, so
they are an operator's (`streams.rules`). Recipients are told apart by lower-cased address.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.envelope import Envelope
from schemas.events.email import Email, Recipient
from schemas.task import Person, TaskCommand, task_key
from streams.actions.context import Context
from streams.actions.draft import Draft, LeftOut, command
from streams.actions.moment import first_known
from streams.actions.related import record_of
from streams.rules import people, template
from streams.rules.model import Rule

SUBJECT = "Follow up: LiveSend to {recipient}"


def follow_up_recipients(event: Envelope, context: Context) -> Iterator[TaskCommand | LeftOut]:
    """Yield one task command per distinct recipient of the event that the rule wants."""
    email = Email.model_validate(event.data)
    interaction = email.interaction_id or event.event_id
    # The time of the send before the time of the event; either may be unknown.
    sent_at = first_known(email.interaction_occurred_at, event.occurred_at) or context.received_at
    # Once: an event of a mebibyte has room for thousands of recipients and of names.
    content = _content(email)
    for identity, recipient in distinct_recipients(email, context.rule).items():
        draft = Draft(
            kind="follow-up",
            key=task_key(event.tenant_id, interaction, identity),
            interaction_id=interaction,
            sender=Person(id=email.user_id, email=email.user_email),
            recipient=Person(id=recipient.id, email=recipient.email),
            happened_at=sent_at,
            subject=SUBJECT,
            content=content,
            related=record_of(recipient),
        )
        yield command(draft, event, context)


def distinct_recipients(email: Email, rule: Rule) -> dict[str, Recipient]:
    """Return the wanted recipients by identity: lower-cased address, else Seismic's id."""
    distinct: dict[str, Recipient] = {}
    for recipient in email.recipients:
        identity = identity_of(recipient)
        if identity and _wanted(recipient, rule):
            distinct.setdefault(identity, recipient)
    return distinct


def identity_of(recipient: Recipient) -> str | None:
    """Return what tells a recipient from others: the lower-cased address, else Seismic's id."""
    return (recipient.email or "").strip().lower() or recipient.id


def _wanted(recipient: Recipient, rule: Rule) -> bool:
    kind = (recipient.recipient_type or "to").lower()
    return kind in rule.recipients and people.welcome(recipient.email, rule)


def _content(email: Email) -> str:
    """The names of what was sent; the pages show no name of a link's content, others have one."""
    sent = (one for link in email.links for one in link.content)
    return template.listed(name for one in sent if (name := _name(one)))


def _name(content: Mapping[str, Any]) -> str:
    name = content.get("name") or content.get("Name")
    return name if isinstance(name, str) else ""
