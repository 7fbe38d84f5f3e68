"""The CRM record that an enriched event names for a person."""

from schemas.events.email import CrmContext, Recipient
from schemas.task import Related


def record_of(recipient: Recipient) -> Related | None:
    """Return the first record the recipient was picked from, opportunities before people."""
    named = [context for context in recipient.context if context.context_id]
    named.sort(key=_rank)
    if not named or named[0].context_id is None:
        return None
    return Related(type=named[0].context_type, id=named[0].context_id, name=named[0].context_name)


def _rank(context: CrmContext) -> int:
    return 0 if (context.context_type or "").lower() == "opportunity" else 1
