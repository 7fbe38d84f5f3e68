"""What follows from an event: a table from type to pure functions.

An action gets one event with its rule and returns the commands it leads to; it reads no clock, no
settings and no topic. A new action is one module here, one entry in the table and, to have rules,
one name in `streams.rules.model.EventName`.
"""

from collections.abc import Callable, Iterable, Mapping

from schemas import catalogue
from schemas.catalogue import CATALOGUE
from schemas.envelope import Envelope
from schemas.task import TaskCommand
from streams.actions.context import Context
from streams.actions.draft import LeftOut
from streams.actions.email import follow_up_recipients
from streams.actions.session_summary import first_views
from streams.rules.book import RuleBook

Action = Callable[[Envelope, Context], Iterable[TaskCommand | LeftOut]]

ACTIONS: Mapping[str, tuple[Action, ...]] = {
    catalogue.EMAIL.name: (follow_up_recipients,),
    catalogue.EMAIL_ENRICHED.name: (follow_up_recipients,),
    # Off unless a rule turns them on: see `streams.rules.book`.
    catalogue.SESSION_SUMMARY.name: (first_views,),
    catalogue.SESSION_SUMMARY_ENRICHED.name: (first_views,),
    # Deprecated, and tells what the session summary does; the row says that this is a decision.
    catalogue.LIVESEND_SUMMARY.name: (),
}


def check_complete(actions: Mapping[str, tuple[Action, ...]] = ACTIONS) -> None:
    """Refuse to start with a table that forgot a type or names one that does not exist.

    Raises:
        LookupError: says which types are missing or unknown.
    """
    expected = {row.name for row in CATALOGUE if row.carries_recipients}
    missing, unknown = expected - actions.keys(), actions.keys() - {row.name for row in CATALOGUE}
    if missing or unknown:
        raise LookupError(f"ACTIONS lacks {sorted(missing)} and has unknown {sorted(unknown)}")


def types_with_actions(rules: RuleBook | None = None) -> list[str]:
    """Return the event types that some rule turns on: what the stage reads.

    A type that is off for every tenant is not read at all; what its topic still holds when it is
    turned on is handled then. Without `rules`, by geophone's own.
    """
    book = rules or RuleBook()
    return [name for name, actions in ACTIONS.items() if actions and book.turned_on(name)]
