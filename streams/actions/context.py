"""What an action may know besides the event."""

from dataclasses import dataclass
from datetime import datetime

from streams.rules.model import Rule


@dataclass(frozen=True, slots=True)
class Context:
    """`received_at` is when geophone stored the event (aware, UTC); `rule` is the event's."""

    received_at: datetime
    rule: Rule
