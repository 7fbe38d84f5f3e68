"""What the suite of all vendors' connectors has to know of one vendor."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from streams.crm import CRM
from streams.crm.limits import Limits
from tests.crm_fakes.faults import Fault
from tests.crm_fakes.server import Fake, State


@dataclass(frozen=True)
class Driver:
    """One vendor, as `tests/contracts/test_crm_vendors.py` sees it.

    `fake` makes its fake CRM. `connect` makes the connector to the fake's URL, with the right
    credentials; files it needs go into the folder. `ids`: ids as this vendor writes them, of two
    users, a contact, a lead and a record that tasks may be about, by those names.

    `bar`: make a user of the fake unfit to own a task, though he can be found.

    `retryable`: faults on creating a task that pass, with the code that the reason has to name.
    `terminal`: the error (for `State.refused`) that refuses one task for good, and its code.
    `expired`: what makes the token invalid where that is not a plain "expire".
    `gaps`: by what may be missing (for `State.missing`), what `check` has to say of it (a regular
    expression for the finding's remedy). `secrets`: what must never be seen.

    `subject_limit`: characters that a subject may have. `batch`: most creations in one request.
    `one_link`: a task is about one record; the related one comes before the recipient.
    """

    fake: Callable[[State], Fake]
    bar: Callable[[Any, str], None]
    connect: Callable[[str, Path, Limits], CRM]
    ids: Mapping[str, str]
    retryable: Sequence[tuple[Fault, str]]
    terminal: tuple[Any, str]
    gaps: Mapping[str, str]
    secrets: Sequence[str]
    subject_limit: int = 255
    batch: int = 100
    one_link: bool = False
    expired: Fault = field(default_factory=lambda: Fault("expire"))
