"""What is sent: a pure function of a seed, so that anybody can compute any event again.

The shares are those of a bad day: few tenants send most of it, a fifth comes again, some is no
JSON at all, some ids are of two tenants. Nothing is stored: event 900,000 costs as much as event 0,
some microseconds.
"""

import random
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple

import orjson

from ops.prove.history import Event, digest
from schemas import catalogue
from schemas.catalogue import EMAIL

TENANTS = 200
POISON = 0.005
PLANTED = 0.002
"""Share of events that are poison and can be put into the raw topic past the ingress; no ingress
lets poison through, so the deduplication would never see any."""

EMAILS = 0.05
RESENT = 0.2
NEAR = 50
NAMESAKES = 0.03
"""Share of events with the id of another tenant's: no copy, though a careless look says so."""

_MOST_RECIPIENTS = 3
_NAME = re.compile(r"[a-z0-9]{1,32}")
_BITS = 53  # as many as a float can tell apart
_TENANT_BOUNDS = tuple(accumulate(1 / rank for rank in range(1, TENANTS + 1)))

_TYPES: tuple[str, ...] = (
    "LivesendUpdatedV1",
    "LivesendUpdatedV1",
    "LivesendCreatedV1",
    "UserCreatedV1",
    "ContentManagerCreateFileV1",
    "WorkflowSubmitV1",
    # The sender's own samples differ in case from its catalogue.
    "contentProfileAddToProfileV1",
    "NobodyDocumentedThisV7",
)


class _Draw(NamedTuple):
    """The dice of one event: `share`, `tenant` and `name` in [0, 1), `choice` any number."""

    share: float
    tenant: float
    choice: int
    name: float
    text: str


@dataclass(frozen=True, slots=True)
class Workload:
    """`events` events of one run; `name` begins their ids and tenants, so runs can share topics.

    The name has no part in the dice: the same seed under another name is the same load.
    """

    seed: int
    events: int
    name: str

    def __post_init__(self) -> None:
        # Lower case, because a recipient is told from another by the lower-cased address.
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"{self.name!r} does not match {_NAME.pattern}")

    def event(self, number: int) -> Event:
        """Return event `number`, what has to come of it included."""
        draw = self._draw(number)
        told = digest(self._body(number, draw))
        if draw.share < POISON:
            return Event(number, told)
        version = _version(draw)
        row = catalogue.lookup(version)
        return Event(
            number=number,
            digest=told,
            tenant=self._tenant(draw),
            event_id=self._id(number, draw),
            type=row.name if row else catalogue.OTHER,
            recipients=self._recipients(number, draw) if row is EMAIL else (),
        )

    def body(self, number: int) -> bytes:
        """Return the bytes of event `number`; no other event has the same."""
        return self._body(number, self._draw(number))

    def planted(self, number: int) -> bool:
        """Whether it is poison meant for the raw topic: it is delivered once, never again."""
        return self._draw(number).share < PLANTED

    def deliveries(self) -> Iterator[int]:
        """Yield event numbers in the order of sending: each once, a fifth once more.

        Half of these follow within `NEAR` events, also at once, the others at any distance.
        """
        dice = random.Random(self.seed)  # noqa: S311 - a reproducible load, not a secret
        for number in range(self.events):
            yield number
            if dice.random() >= RESENT:
                continue
            oldest = max(0, number + 1 - NEAR) if dice.random() < 0.5 else 0  # noqa: PLR2004 - half
            again = dice.randint(oldest, number)
            if not self.planted(again):
                yield again

    def _draw(self, number: int) -> _Draw:
        dice = blake2b(b"%d %d" % (self.seed, number), digest_size=32).digest()
        share, tenant, choice, name = (int.from_bytes(dice[at : at + 8]) for at in (0, 8, 16, 24))
        return _Draw(_fraction(share), _fraction(tenant), choice, _fraction(name), dice.hex())

    def _body(self, number: int, draw: _Draw) -> bytes:
        if draw.share < POISON:
            told = self._id(number, draw).encode(), draw.text.encode()
            return b'{"id":"%b","tenantId":"%b' % told
        version = _version(draw)
        data = self._email(number, draw) if version == EMAIL.name else _payload(draw)
        whole = orjson.dumps(
            {
                "id": self._id(number, draw),
                "version": version,
                "occurredAt": _moment(number),
                "tenantId": self._tenant(draw),
                "tenantName": "Exämple Industries",
                "data": data,
                "application": "Web",
                "productArea": "Livesend",
            }
        )
        # As no JSON writer here would write it: whoever parses and writes anew is found out.
        return b"{ %b\n" % whole[1:]

    def _id(self, number: int, draw: _Draw) -> str:
        """Only odd numbers borrow one, of the number before: no lender has borrowed its own."""
        if number % 2 and draw.name < 2 * NAMESAKES:
            lender = self._draw(number - 1)
            number -= self._tenant(lender) != self._tenant(draw)
        return f"{self.name}-{number}"

    def _tenant(self, draw: _Draw) -> str:
        rank = bisect_right(_TENANT_BOUNDS, draw.tenant * _TENANT_BOUNDS[-1])
        return f"{self.name}-tenant-{rank}"

    def _recipients(self, number: int, draw: _Draw) -> tuple[str, ...]:
        count = 1 + draw.choice % _MOST_RECIPIENTS
        return tuple(f"{self.name}-{number}-{each}@example.com" for each in range(count))

    def _email(self, number: int, draw: _Draw) -> Mapping[str, Any]:
        to = self._recipients(number, draw)
        named = [{"id": f"r{n}", "email": each, "recipientType": "to"} for n, each in enumerate(to)]
        # Neither the same address again nor one that gets a copy leads to a task.
        named.append({"id": "again", "email": to[0].upper(), "recipientType": "to"})
        named.append({"id": "copy", "email": f"copy-{to[0]}", "recipientType": "cc"})
        return {
            "interactionId": f"i-{self._id(number, draw)}",
            "interactionOccurredAt": _moment(number),
            "userId": draw.text[:32],
            "userEmail": "seller@example.com",
            "action": "Livesend",
            "recipients": named,
        }


def _fraction(dice: int) -> float:
    return (dice >> 64 - _BITS) / (1 << _BITS)


def _version(draw: _Draw) -> str:
    return EMAIL.name if draw.share < POISON + EMAILS else _TYPES[draw.choice % len(_TYPES)]


def _payload(draw: _Draw) -> Mapping[str, Any]:
    text = draw.text
    return {
        # Names that mean something else in the envelope.
        "id": text[:32],
        "version": draw.choice % 9,
        "livesendVersionId": text[32:],
        "action": "Renamed",
        "title": "Quarterly review, draft for “Müller & Söhne”",
        "tags": [text[:6], text[6:12], text[12:18]],
        "score": draw.tenant,
        "links": [{"allowDownload": True, "downloadFormats": ["Original", "PDF"]}],
    }


def _moment(number: int) -> str:
    minutes, second = divmod(number, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"2026-03-{1 + days % 31:02}T{hour:02}:{minute:02}:{second:02}.{number % 1000:03}Z"
