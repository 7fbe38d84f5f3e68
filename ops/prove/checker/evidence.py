"""A history, arranged for the questions that are asked of it.

Everything is built when it is first asked for, in one pass, and found by digest or by place: a
history of a million events has four million records.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from ops.prove.history import NO_INGRESS, Attempt, Event, History, Outcome, Record, Seen
from ops.prove.readers.kinds import is_read

Lane = tuple[str, int]
"""Kind and partition: within one, offsets order the records."""


def name(event: Event) -> str:
    """Return how a sentence calls this event."""
    if event.poison:
        return f"poison {event.number}"
    return f"event {event.number} ({event.tenant}, {event.type}, id {event.event_id})"


def place(record: Record) -> str:
    """Return how a sentence calls where this record lies."""
    return f"{record.kind} partition {record.partition} offset {record.offset}"


def is_event_topic(kind: str) -> bool:
    """Whether this is the topic of an event type."""
    return kind.startswith("event.")


class Evidence:
    """The same facts as in `history`, each to be found at once."""

    def __init__(self, history: History) -> None:
        self.history = history

    def clock(self, moment: float) -> str:
        """Return how a sentence tells a moment: in seconds from the run's begin."""
        return f"{moment - self.history.began:.3f}"

    @cached_property
    def events(self) -> Mapping[int, Event]:
        """Every event by its number."""
        return {event.number: event for event in self.history.events}

    @cached_property
    def by_digest(self) -> Mapping[bytes, Event]:
        """Every event by its body."""
        return {event.digest: event for event in self.history.events}

    @cached_property
    def accepted(self) -> Mapping[int, Sequence[Attempt]]:
        """The attempts that were answered 2xx, by event."""
        accepted: dict[int, list[Attempt]] = defaultdict(list)
        for attempt in self.history.attempts:
            if attempt.outcome is Outcome.OK:
                accepted[attempt.event].append(attempt)
        return dict(accepted)

    @cached_property
    def first_sent(self) -> Mapping[int, float]:
        """When an event's first attempt began."""
        first: dict[int, float] = {}
        for attempt in self.history.attempts:
            if attempt.started < first.get(attempt.event, float("inf")):
                first[attempt.event] = attempt.started
        return first

    @cached_property
    def last_attempt(self) -> Mapping[int, Attempt]:
        """An event's attempt that began last."""
        last: dict[int, Attempt] = {}
        for attempt in self.history.attempts:
            if attempt.started >= last.get(attempt.event, attempt).started:
                last[attempt.event] = attempt
        return last

    @cached_property
    def sent_to_ingress(self) -> frozenset[int]:
        """Events that an ingress got, whatever it answered."""
        return frozenset(each.event for each in self.history.attempts if each.route != NO_INGRESS)

    @cached_property
    def raw_copies(self) -> Mapping[bytes, int]:
        """How often a body is in raw."""
        return Counter(record.digest for record in self.history.raw)

    @cached_property
    def first_raw(self) -> Mapping[bytes, Record]:
        """A body's first record in raw: the one that has to come out."""
        return _first(self.history.raw)

    @cached_property
    def first_output(self) -> Mapping[bytes, Record]:
        """A body's first record in the event topics."""
        return _first(self.history.outputs)

    @cached_property
    def quarantined_from(self) -> Mapping[tuple[int, int], Sequence[Record]]:
        """Quarantined records by the raw record they come from."""
        found: dict[tuple[int, int], list[Record]] = defaultdict(list)
        for record in self.history.quarantine:
            if record.source is not None:
                found[record.source].append(record)
        return dict(found)

    @cached_property
    def quarantined_directly(self) -> Mapping[bytes, int]:
        """How often an ingress set a body aside."""
        aside = self.history.quarantine
        return Counter(record.digest for record in aside if record.source is None)

    def copies(self, event: Event) -> int:
        """Return how often it is stored, wherever a 2xx says that it is."""
        aside = self.quarantined_directly.get(event.digest, 0) if event.poison else 0
        return self.raw_copies.get(event.digest, 0) + aside

    @cached_property
    def unfinished(self) -> Sequence[tuple[Event, Record]]:
        """Raw records that ended nowhere; a later copy of an event was dropped by right."""
        good = [
            (event, record)
            for body, record in self.first_raw.items()
            if (event := self.by_digest.get(body)) and not event.poison
            if body not in self.first_output
        ]
        poison = [
            (event, record)
            for record in self.history.raw
            if (event := self.by_digest.get(record.digest)) and event.poison
            if (record.partition, record.offset) not in self.quarantined_from
        ]
        return good + poison

    @cached_property
    def logs(self) -> Mapping[Lane, Mapping[int, Record]]:
        """What the final reader read: by lane, then by offset, in its order."""
        logs: dict[Lane, dict[int, Record]] = defaultdict(dict)
        for record in self.read_at_the_end():
            logs[record.kind, record.partition].setdefault(record.offset, record)
        return dict(logs)

    def read_at_the_end(self) -> Iterable[Record]:
        """All records of the final reader."""
        past = self.history
        return chain(past.raw, past.outputs, past.quarantine, past.commands, past.dead)

    @cached_property
    def live(self) -> Mapping[Lane, Sequence[Seen]]:
        """What the live reader read, by lane, in the order in which it did."""
        live: dict[Lane, list[Seen]] = defaultdict(list)
        for seen in self.history.live:
            if is_read(seen.record.kind):
                live[seen.record.kind, seen.record.partition].append(seen)
        return dict(live)

    @cached_property
    def only_live(self) -> Sequence[Record]:
        """What the live reader got where the final one found nothing; each place once."""
        nowhere: dict[tuple[Lane, int], Record] = {}
        for lane, readings in self.live.items():
            log = self.logs.get(lane, {})
            for seen in readings:
                if seen.record.offset not in log:
                    nowhere.setdefault((lane, seen.record.offset), seen.record)
        return list(nowhere.values())


def _first(records: Iterable[Record]) -> dict[bytes, Record]:
    first: dict[bytes, Record] = {}
    for record in records:
        first.setdefault(record.digest, record)
    return first
