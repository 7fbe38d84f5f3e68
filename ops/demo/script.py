"""What the demo's Seismic does, and what has to come of it. A table, and nothing else."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from ops import samples
from ops.samples import RECIPIENTS, TENANT
from ops.sender import signature, signed
from schemas import catalogue


@dataclass(frozen=True, slots=True)
class Expected:
    """What has to come of one step.

    `copies` is how many raw records there are, of which one becomes an event; `tasks` the
    recipients that get a task.
    """

    status: int
    body: bytes = b""
    topic: str | None = None
    copies: int = 0
    reason: str | None = None
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing Seismic does: the same bytes, delivered `times` times."""

    name: str
    body: bytes
    headers: Mapping[str, str]
    expected: Expected
    times: int = 1


@dataclass(frozen=True, slots=True)
class Script:
    """The steps, in order."""

    steps: list[Step]

    @classmethod
    def written_for(cls, secret: str) -> "Script":
        """Return the script, signed with the secret of the stack."""
        old, new = secrets.token_hex(26), "91031261-0508-41aa-bd17-53c390a96a99"
        email = samples.event(catalogue.EMAIL, TENANT)
        livesend = samples.envelope(
            "LivesendUpdatedV1", TENANT, {"livesendId": "1", "action": "Renamed"}
        )
        legacy = orjson.dumps(samples.data(catalogue.EMAIL, ["barbara@example.com"]))
        pascal = samples.pascal_envelope(TENANT)
        unknown = samples.envelope("BrandNewThingV9", TENANT, {"hello": "webhooks"})
        rotated = samples.envelope("LivesendExpiredV1", TENANT, {"action": "Expired"})
        install = samples.lifecycle(TENANT)
        forged = samples.event(catalogue.EMAIL, TENANT, ["nobody@example.com"])
        stranger = {"x-seismic-signature": signature(forged, "not the secret")}
        rotation = {
            "x-seismic-signature": signature(rotated, "a secret we do not have yet"),
            "x-seismic-signature-old": signature(rotated, secret),
        }

        def event(topic: str, tasks: tuple[str, ...] = (), copies: int = 1) -> Expected:
            return Expected(200, topic=f"event.{topic}", copies=copies, tasks=tasks)

        def step(name: str, body: bytes, expected: Expected, times: int = 1) -> Step:
            return Step(name, body, signed(body, secret), expected, times)

        echoed = orjson.dumps({"challenge": new})
        steps = [
            Step(
                "verification, existing format",
                samples.old_verification(old),
                {},
                Expected(200, old.encode()),
            ),
            step(
                "verification, new format",
                samples.new_verification(new, TENANT),
                Expected(200, echoed),
            ),
            step(
                "email to three, sent three times",
                email,
                event("email-v3", RECIPIENTS, copies=3),
                times=3,
            ),
            step("LivesendUpdatedV1", livesend, event("LivesendUpdatedV1")),
            step("legacy email, no envelope", legacy, event("email-v3", ("barbara@example.com",))),
            step("PascalCase envelope", pascal, event("ReadinessArchivalEventV1")),
            step("unknown type", unknown, event("Other")),
            step(
                "signed, but not JSON",
                b"<event>not JSON</event>",
                Expected(200, topic="quarantine", reason="not-json"),
            ),
            Step("wrong signature", forged, stranger, Expected(401)),
            Step("old signature, during rotation", rotated, rotation, event("LivesendExpiredV1")),
            step("install callback", install, Expected(202, topic="lifecycle")),
        ]
        return cls(steps)
