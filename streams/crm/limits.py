"""How hard a CRM may be asked, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What one process allows itself towards one CRM.

    `timeout`: seconds for one call, from connecting to the answer's end. `per_second` calls on
    average, `burst` at once after a rest; `concurrency`: most calls under way, fewer while the CRM
    asks for restraint. `cached`: seconds that an id found in the CRM is believed.

    Raises:
        ValueError: one of them is not positive.
    """

    timeout: float = 10.0
    per_second: float = 10.0
    burst: int = 10
    concurrency: int = 8
    cached: float = 600.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"the CRM's limit {name} must be more than 0")
