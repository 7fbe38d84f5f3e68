"""What would become of an event: its commands, and what each CRM would be sent. Sends nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from schemas.envelope import Envelope
from schemas.reasons import Malformed
from schemas.task import TaskCommand
from streams import followup
from streams.actions import ACTIONS
from streams.actions.session_summary import first_views
from streams.crm import Refused, Request
from streams.crm.target import Target
from streams.rules.book import RuleBook


@dataclass(frozen=True, slots=True)
class Planned:
    """One command and the requests to its CRM; `refused` is why that would never take it."""

    command: TaskCommand
    target: str | None
    requests: Sequence[Request] = ()
    refused: str | None = None


def plan(event: Envelope, rules: RuleBook, targets: Sequence[Target]) -> list[Planned]:
    """Return what would follow if the event came now.

    Raises:
        ValueError: it would be set aside.
    """
    if event.spelling not in ACTIONS:
        return []
    try:
        commands = followup.follow(event, datetime.now(UTC), rules)
    except Malformed as malformed:
        raise ValueError(f"the event would go to the quarantine: {malformed}") from malformed
    return [_planned(command, targets) for command in commands]


def why_nothing(event: Envelope, rules: RuleBook) -> str:
    """Say why no task follows from an event, and what would change that."""
    if not ACTIONS.get(event.spelling):
        followed = ", ".join(name for name, actions in ACTIONS.items() if actions)
        return f"nothing follows from {event.spelling}; tasks follow from: {followed}"
    known = rules.knows(event.tenant_id)
    whose = "" if known else f"there are no rules for tenant {event.tenant_id}, by everybody's: "
    return whose + _why(event, rules)


def _why(event: Envelope, rules: RuleBook) -> str:
    if not rules.rule(event.tenant_id, event.spelling).enabled:
        return (
            f"the rule for {event.spelling} of tenant {event.tenant_id} is off; "
            "say `enabled: true` in it, under `events`, see docs/task-rules.md"
        )
    if first_views in ACTIONS[event.spelling]:
        return (
            "the event names no viewer whom its rule wants: viewers are its participants, or the "
            "one recipient where it has none, and never the sender; in the rules, "
            "`include_domains` and `exclude_domains` decide that"
        )
    return (
        "the event names nobody that its rule wants and whose id and address can be ones; in the "
        "rules, `recipients`, `include_domains` and `exclude_domains` decide the former"
    )


def _planned(command: TaskCommand, targets: Sequence[Target]) -> Planned:
    for target in _serving(command, targets):
        try:
            return Planned(command, target.name, target.crm.preview(command))
        except Refused as refused:
            return Planned(command, target.name, refused=refused.reason)
    return Planned(command, None)


def _serving(command: TaskCommand, targets: Sequence[Target]) -> Iterator[Target]:
    return (target for target in targets if target.serves(command.tenant_id))
