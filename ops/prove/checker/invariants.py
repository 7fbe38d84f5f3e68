"""What must hold of every history: ten invariants, and each name under which a breach is found."""

from dataclasses import dataclass
from typing import NamedTuple


class Breach(NamedTuple):
    """One case of an anomaly, in a sentence that says where to look."""

    anomaly: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One way to breach an invariant; `jepsen` is what Jepsen's Kafka checker calls it, if it does.

    An asterisk there marks the nearest of its names: the same breach, seen at another place.
    """

    name: str
    meaning: str
    jepsen: str = ""


@dataclass(frozen=True, slots=True)
class Invariant:
    """One row: its number (`I1`), what must hold, and how it can be seen not to."""

    number: str
    meaning: str
    anomalies: tuple[Anomaly, ...]

    @property
    def jepsen(self) -> tuple[str, ...]:
        """Jepsen's names for its anomalies, without those it has none for."""
        return tuple(each.jepsen for each in self.anomalies if each.jepsen)


INVARIANTS = (
    Invariant(
        "I1",
        "What was answered 2xx is stored, comes out, and every reader gets it.",
        (
            Anomaly("lost-write", "answered 2xx, and nowhere", "lost-write"),
            Anomaly("lost-copy", "stored fewer times than it was answered 2xx", "lost-write*"),
            Anomaly("unprocessed", "answered 2xx, in raw, and never came out", "lost-write*"),
            Anomaly("poll-skip", "a reader's next poll left records out", "poll-skip"),
            Anomaly("int-poll-skip", "within one poll records were left out", "int-poll-skip"),
            Anomaly("unseen", "no session of the live reader got a record", "unseen"),
        ),
    ),
    Invariant(
        "I2",
        "A record's value is the request's body, byte for byte, whoever reads it and when.",
        (
            Anomaly("corrupt", "a record holds bytes that nobody sent"),
            Anomaly(
                "inconsistent-offsets",
                "two different records at one offset",
                "inconsistent-offsets",
            ),
        ),
    ),
    Invariant(
        "I3",
        "Read committed, each event comes out at most once, and what was read stays.",
        (
            Anomaly("duplicate", "an event came out twice, or was set aside twice", "duplicate"),
            Anomaly("aborted-read", "a reader got a record that is not in the log", "G1a"),
        ),
    ),
    Invariant(
        "I4",
        "Within a tenant and a type, events come out in the order of the raw topic.",
        (
            Anomaly("inversion", "an event came out after a later one of its tenant and type"),
            Anomaly(
                "nonmonotonic-send",
                "sent after another was answered 2xx, and stored before it",
                "nonmonotonic-send",
            ),
            Anomaly(
                "nonmonotonic-poll",
                "a reader's next poll went back, or stayed",
                "nonmonotonic-poll",
            ),
            Anomaly(
                "int-nonmonotonic-poll",
                "within one poll offsets went back, or stayed",
                "int-nonmonotonic-poll",
            ),
        ),
    ),
    Invariant(
        "I5",
        "Every raw record ends as one of output, duplicate, quarantined; nothing else comes out.",
        (
            Anomaly("unbalanced", "a raw record, never answered 2xx, that ended nowhere"),
            Anomaly("phantom", "a record that comes from nowhere"),
            Anomaly("premature-read", "read before it was first sent", "precommitted-read*"),
        ),
    ),
    Invariant(
        "I6",
        "A good event is never refused for good: 2xx, or 503 and the sender comes again.",
        (
            Anomaly("refused-good", "a signed call was answered neither 2xx nor 503"),
            Anomaly("quarantined-good", "a good event was set aside"),
            Anomaly(
                "never-accepted", "refused or unanswered to the last, a minute after any fault"
            ),
        ),
    ),
    Invariant(
        "I7",
        "No answer comes after the sender's three seconds.",
        (Anomaly("late-answer", "an answer that counts as none, or none at all in that time"),),
    ),
    Invariant(
        "I8",
        "At the end nothing waits: no lag, and no transaction left hanging.",
        (
            Anomaly("stuck", "records that a stage did not handle"),
            Anomaly("hanging-transaction", "records that read_committed readers cannot pass"),
        ),
    ),
    Invariant(
        "I9",
        "Each recipient of a delivered event has one task, and nobody else has any.",
        (
            Anomaly("missing-task", "a recipient without a task"),
            Anomaly("double-task", "a recipient with several tasks"),
            Anomaly("double-command", "a command that is twice in its topic", "duplicate*"),
            Anomaly("unexpected-task", "a task that no delivered event asks for"),
            Anomaly("dead-task", "a command that ended in the dead letters"),
        ),
    ),
    Invariant(
        "I10",
        "A tenant's records are under its own key, in its partition, and in their type's topic.",
        (
            Anomaly("cross-tenant", "a record or a task under another tenant"),
            Anomaly("misplaced", "a record in another partition than its key's"),
            Anomaly("misrouted", "an event in another type's topic"),
        ),
    ),
)
"""In order of their numbers."""

INVARIANT_OF = {each.name: row.number for row in INVARIANTS for each in row.anomalies}
"""The invariant's number by the anomaly's name."""
