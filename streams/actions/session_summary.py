"""A LiveSend was viewed: one task at each viewer's first view. Off unless a rule turns it on.

Every view leads to the same command with the same key, and the CRM creates only: so the first one
makes the task, and no state has to be kept here. The event also tells the viewer's IP address,
whereabouts and device (developer.seismic.com/seismicsoftware/docs/livesend-session-summary-v3);
nothing of that is read here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from schemas.envelope import Envelope
from schemas.events.email import Recipient
from schemas.events.session_summary import Link, Participant, SessionSummary
from schemas.task import Person, TaskCommand, task_key
from streams.actions.context import Context
from streams.actions.draft import Draft, LeftOut, command
from streams.actions.email import identity_of
from streams.actions.moment import first_known
from streams.actions.related import record_of
from streams.rules import people, template

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")

SUBJECT = "LiveSend viewed for the first time by {recipient}"


def first_views(event: Envelope, context: Context) -> Iterator[TaskCommand | LeftOut]:
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
    for identity, viewer in viewers(session, sender).items():
        if _same(viewer.id, viewer.email, sender) or not people.welcome(viewer.email, context.rule):
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


def viewers(session: SessionSummary, sender: Person) -> dict[str, Recipient]:
    """Return who viewed it, by identity: the participants; if there are none, the one recipient.

    Who of several recipients it was is not told, so then nobody is named. The sender is left out
    before participants are looked up: a recipient's id or address could hide them.
    """
    if participants := _participants(session):
        known = _known(session.recipients)
        others = [one for one in participants if not _same(one.id, one.email, sender)]
        return _by_identity(filter(None, (_viewer(one, known) for one in others)))
    recipients = _by_identity(session.recipients)
    return recipients if len(recipients) == 1 else {}


def _participants(session: SessionSummary) -> list[Participant]:
    nested = session.livesend_session_summary
    return [*session.participants, *(nested.participants if nested else ())]


def _viewer(participant: Participant, known: Mapping[str, Recipient]) -> Recipient | None:
    """Return the recipient that the participant is, or else what the event tells of them."""
    address = _address(participant.email)
    for name in filter(None, (address, participant.id)):
        if recipient := known.get(name.lower()):
            return recipient
    told = address or (participant.id or "").strip()
    return Recipient(id=participant.id, email=address) if told else None


def _known(recipients: Iterable[Recipient]) -> dict[str, Recipient]:
    """Return the recipients by id and, before that, by identity."""
    by_id = {one.id.lower(): one for one in recipients if one.id}
    return by_id | {name.lower(): one for name, one in _by_identity(recipients).items()}


def _by_identity(people: Iterable[Recipient]) -> dict[str, Recipient]:
    return {identity: one for one in people if (identity := identity_of(one))}


def _same(viewer_id: str | None, address: str | None, sender: Person) -> bool:
    """Whether it is the sender's own view; either of both may be known by id alone."""
    pairs = (viewer_id, sender.id), (address, sender.email)
    return any(one and two and one.strip().lower() == two.lower() for one, two in pairs)


def _viewed_at(session: SessionSummary, event: Envelope) -> datetime | None:
    nested = session.livesend_session_summary
    started = nested.session_started_at if nested else None
    return first_known(session.session_started_at, started, event.occurred_at)


def _address(told: object) -> str | None:
    """Return an e-mail address and nothing that is none: the page names these fields, no more."""
    address = told.strip() if isinstance(told, str) else ""
    return address if _ADDRESS.fullmatch(address) else None
