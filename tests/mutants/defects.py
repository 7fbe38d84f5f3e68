"""The twelve: what each is, who really has it, what brings it to light, and how it is found.

Only names and words: what is changed is in `tests.mutants.ingress` and `tests.mutants.streams`.
"""

from dataclasses import dataclass
from typing import Literal

VARIABLE = "GEOPHONE_DEFECT"
"""Names the defect to the process that is to have it; empty: none."""

WORST_MOMENT = "worst-moment"
"""A worker touches a file of this name when a kill would hurt it most."""

CUT_INGRESS = "cut ingress-kafka under load"
KILL_INGRESS = "kill ingress under load"
KILL_WORKER = "kill worker at its worst moment"
CUT_OFF_AND_KILL = "cut off and kill leaders' broker under load"
"""The trials' own faults: `tests.mutants.faults`."""


@dataclass(frozen=True, slots=True)
class Scene:
    """What a trial is played on, what strikes meanwhile, and for how many seconds events come.

    `proxied`: there are links to be cut between the processes.
    """

    brokers: int
    seconds: float
    faults: tuple[str, ...]
    proxied: bool = False


UNDISTURBED = Scene(1, 10, ())
WORKER_KILLS = Scene(1, 15, (KILL_WORKER, KILL_WORKER))
INGRESS_TROUBLE = Scene(1, 15, (CUT_INGRESS, KILL_INGRESS), proxied=True)
LEADER_LOST = Scene(3, 15, (CUT_OFF_AND_KILL,), proxied=True)


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault of the product; all of `found_as` have to be among the checker's findings."""

    name: str
    role: Literal["ingress", "streams"]
    what: str
    scene: Scene
    found_as: frozenset[str]


def _is(
    name: str, role: Literal["ingress", "streams"], what: str, scene: Scene, *found_as: str
) -> Defect:
    return Defect(name, role, what, scene, frozenset(found_as))


DEFECTS = {
    defect.name: defect
    for defect in (
        _is(
            "ack-before-write",
            "ingress",
            "Answers 2xx as soon as a record waits in memory, as Snowplow's collector does.",
            INGRESS_TROUBLE,
            "lost-write",
        ),
        _is(
            "acks-1",
            "ingress",
            "The leader's copy alone counts as stored: acks=1, many clients' default.",
            LEADER_LOST,
            "lost-write",
        ),
        _is(
            "auto-commit",
            "streams",
            "The position is committed once records are fetched, as enable.auto.commit does.",
            WORKER_KILLS,
            "unprocessed",
        ),
        _is(
            "no-dedup",
            "streams",
            "Redeliveries pass, as they do through every at-least-once bridge (Knative, Svix).",
            UNDISTURBED,
            "duplicate",
        ),
        _is(
            "dedup-outside-transaction",
            "streams",
            "Marks are committed before what they stand for, as Faust's tables can be.",
            WORKER_KILLS,
            "unprocessed",
        ),
        _is(
            "no-key",
            "ingress",
            "Records have no key and are spread over all partitions, as Svix Bridge does it.",
            UNDISTURBED,
            "cross-tenant",
            "duplicate",
        ),
        _is(
            "finally-ack",
            "streams",
            "A batch whose handler raised counts as handled: Faust's `finally: event.ack()`.",
            UNDISTURBED,
            "unprocessed",
        ),
        _is(
            "new-offset",
            "streams",
            "Commits past what is still in flight, as Faust's `_new_offset` does.",
            WORKER_KILLS,
            "unprocessed",
        ),
        _is(
            "late-end",
            "streams",
            "A commit sent again after a time-out ends the next transaction half-way: aiokafka, "
            "and what Jepsen calls a torn transaction.",
            WORKER_KILLS,
            "duplicate",
        ),
        _is(
            "uncommitted-marks",
            "streams",
            "Marks of aborted transactions are restored, too: read_uncommitted, the default.",
            WORKER_KILLS,
            "unprocessed",
        ),
        _is(
            "dead-letters-dropped",
            "streams",
            "What cannot be read is skipped: Kafka Connect's errors.tolerance=all alone.",
            UNDISTURBED,
            "unprocessed",
        ),
        _is(
            "body-reencoded",
            "ingress",
            "The body is parsed and written anew, as Svix Bridge does it.",
            UNDISTURBED,
            "corrupt",
        ),
    )
}
"""By name."""
