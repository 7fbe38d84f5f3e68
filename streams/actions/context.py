"""What an action may know besides the event."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Context:
    """`received_at` is when geophone stored the event (aware, UTC)."""

    received_at: datetime
    due_business_days: int
