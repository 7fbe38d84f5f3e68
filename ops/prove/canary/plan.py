"""What the canary sends, where, and how long it waits."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import orjson

from ops.prove.history import Event, digest
from ops.sender import RETRY_SECONDS
from schemas import names
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PREFIX, Topics

TENANT = "geophone-canary"

TYPE = "TestWebhookEventV1"
"""A documented type that no action listens to, so no task comes of it in the CRM."""

AGAIN_EVERY = 5
"""Every fifth event is delivered twice: in turn right afterwards, and after all the others."""


class CannotJudge(Exception):
    """The installation may be well or not: the message says why that is open, and what to do."""


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """`rate` is deliveries per second at most: each waits for the answer to the one before.

    `pauses` are the seconds before the first, second, … retry of what was answered 5xx, 429 or not
    at all. `patience_seconds` is how long after its acceptance an event may become readable;
    `settle_seconds` the time after the last one in which late duplicates are looked for.
    """

    url: str = field(repr=False)
    secret: str = field(repr=False)
    kafka: KafkaConnection
    prefix: str = DEFAULT_PREFIX
    tenant: str = TENANT
    events: int = 20
    rate: float = 5.0
    patience_seconds: float = 30.0
    settle_seconds: float = 2.0
    pauses: tuple[float, ...] = RETRY_SECONDS[:2]
    as_json: bool = False

    def __post_init__(self) -> None:
        """Raise CannotJudge if there is nothing to send, or no way to send it."""
        if not self.url.startswith(("http://", "https://")):
            raise CannotJudge(f"{self.where} is no URL: it has to start with http:// or https://")
        if self.events < 1 or self.rate <= 0:
            raise CannotJudge(
                "there is nothing to send: choose an event or more, at a rate above 0"
            )
        if not self.tenant or names.flaw(self.tenant):
            flaw = names.flaw(self.tenant) or "without letters"
            raise CannotJudge(f"--tenant is a name {flaw}")

    @property
    def where(self) -> str:
        """The URL without a user's name and password, to be shown."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def raw_topic(self) -> str:
        """Where every accepted delivery has to be."""
        return Topics(self.prefix).raw.name

    @property
    def output_topic(self) -> str:
        """Where each event has to be once."""
        return Topics(self.prefix).events[TYPE].name


@dataclass(frozen=True, slots=True)
class Prepared:
    """An event and its bytes."""

    event: Event
    body: bytes


def prepare(plan: CanaryPlan, run_id: str, occurred_at: str) -> list[Prepared]:
    """Make up the events of one run; their ids begin with `run_id`. `occurred_at` is RFC 3339."""
    return [_prepared(plan.tenant, run_id, number, occurred_at) for number in range(plan.events)]


def deliveries(events: int) -> Iterator[int]:
    """Yield the numbers of the events in the order of their deliveries, the second ones too."""
    later = []
    for number in range(events):
        yield number
        if number % AGAIN_EVERY == AGAIN_EVERY - 1:
            if number // AGAIN_EVERY % 2:
                later.append(number)
            else:
                yield number
    yield from later


def _prepared(tenant: str, run_id: str, number: int, occurred_at: str) -> Prepared:
    event_id = f"{run_id}-{number + 1}"
    body = orjson.dumps(
        {
            "id": event_id,
            "version": TYPE,
            "occurredAt": occurred_at,
            "tenantId": tenant,
            "tenantName": "geophone canary",
            "data": {"hello": "this is a test of the installation; ignore it"},
            "application": "geophone",
            "productArea": "canary",
        }
    )
    return Prepared(Event(number, digest(body), tenant, event_id, TYPE), body)
