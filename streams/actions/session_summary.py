"""A LiveSend was viewed: one task at each viewer's first view. Off unless a rule turns it on.

Every view leads to the same command with the same key, and the CRM creates only: so the first one
makes the task, and no state has to be kept here. The event also tells the viewer's IP address,
whereabouts and device (developer.seismic.com/seismicsoftware/docs/livesend-session-summary-v3);
nothing of that is read here.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from schemas.envelope import Envelope
from schemas.events.email import Recipient
from schemas.events.session_summary import Link, SessionSummary
from schemas.task import Person, TaskCommand, task_key
from streams.actions.context import Context
from streams.actions.draft import Draft, command
from streams.actions.email import identity_of
from streams.actions.moment import first_known
from streams.actions.related import record_of
from streams.rules import people, template

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

SUBJECT = "LiveSend viewed for the first time by {recipient}"


def first_views(event: Envelope, context: Context) -> Iterator[TaskCommand]:
    """Yield one command per viewer whom the event names and the rule wants."""
    session = SessionSummary.model_validate(event.data)
    link = (session.livesend_session_summary and session.livesend_session_summary.link) or Link()
    # Without what was viewed, a second view could not be told from the first.
    interaction = session.interaction_id or link.id
    if interaction is None:
        return
    sender = Person(id=session.user_id or link.created_by, email=_address(session.email))
    # Once: an event of a mebibyte has room for thousands of viewers and of names.
    content = template.listed(one.name for one in link.content if one.name)
    for identity, viewer in viewers(session).items():
        if identity == (sender.email or "").lower() or not people.welcome(
            viewer.email, context.rule
        ):
            continue
        draft = Draft(
            kind="first-view",
            key=task_key(event.tenant_id, interaction, identity, "first-view"),
            interaction_id=interaction,
            sender=sender,
            recipient=Person(id=viewer.id, email=viewer.email),
            happened_at=_viewed_at(session, event) or context.received_at,
            subject=SUBJECT,
            content=content,
            related=record_of(viewer),
        )
        yield command(draft, event, context)


def viewers(session: SessionSummary) -> dict[str, Recipient]:
    """Return who viewed it, by identity: the participants with an address, else the one recipient.

    Who of several recipients it was is not told, so then nobody is named. A participant without
    an address is not known again at the next view.
    """
    recipients = _recipients(session)
    if addresses := _participants(session):
        return {
            identity: recipients.get(identity, Recipient(email=address))
            for identity, address in addresses.items()
        }
    return recipients if len(recipients) == 1 else {}


def _recipients(session: SessionSummary) -> dict[str, Recipient]:
    return {identity: one for one in session.recipients if (identity := identity_of(one))}


def _participants(session: SessionSummary) -> dict[str, str]:
    """Return the participants' addresses by identity, in order."""
    nested = session.livesend_session_summary
    told = [*session.participants, *(nested.participants if nested else ())]
    return {found.lower(): found for one in told if (found := _address(one.email))}


def _viewed_at(session: SessionSummary, event: Envelope) -> datetime | None:
    nested = session.livesend_session_summary
    started = nested.session_started_at if nested else None
    return first_known(session.session_started_at, started, event.occurred_at)


def _address(told: object) -> str | None:
    """Return an e-mail address and nothing that is none: the page names these fields, no more."""
    address = told.strip() if isinstance(told, str) else ""
    return address if _ADDRESS.fullmatch(address) else None
