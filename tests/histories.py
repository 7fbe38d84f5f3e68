"""Valid histories: what a run leaves when everything below it fails and geophone does not.

Attempts are refused or unanswered and stored all the same, or later, or not; the dedup stage works
in batches whose transactions are now and then aborted; the live reader has to connect anew.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import NamedTuple

from hypothesis import strategies as st

from ops.prove.history import Attempt, End, Event, History, Record, Seen, Strike, Task, digest
from schemas.partitioner import partition_for

TYPES = ("LivesendUpdatedV1", "email-v3", "Other")
TENANTS = ("tenant-0", "tenant-1", "tenant-2")
STAGES = {"dedup": 0, "followup": 0, "crm": 0}

Lane = tuple[str, int]


def valid(seed: int = 1, events: int = 40, partitions: int = 2) -> History:
    """Return the valid history of this seed."""
    dice = Random(seed)  # noqa: S311 - a reproducible history, not a secret
    sent = [_event(number, dice) for number in range(events)]
    attempts, writes = _send(sent, dice)
    cluster = _Cluster(partitions, dice)
    cluster.run(writes)
    return History(
        partitions=partitions,
        events=sent,
        attempts=attempts,
        raw=cluster.records("raw"),
        outputs=cluster.records("event."),
        quarantine=cluster.records("quarantine"),
        commands=cluster.records("task"),
        live=list(_live(cluster, dice)),
        tasks=_tasks(sent, cluster.records("event.")),
        ends=list(cluster.ends()),
        lag=STAGES,
        strikes=[Strike("kill worker", "worker-1", 3.0, 4.0)],
        counted=len(attempts),
    )


def histories() -> st.SearchStrategy[History]:
    """Valid histories, large enough to have a bit of everything."""
    return st.builds(valid, st.integers(0, 2**32), st.integers(30, 60), st.integers(2, 4))


def command(recipient: str) -> bytes:
    """Return the digest of the command of a task for this recipient."""
    return digest(b"command " + recipient.encode())


def _event(number: int, dice: Random) -> Event:
    body = digest(b"body %d" % number)
    # The first is an event that gets through: a history without one is void.
    if number and dice.random() < 0.2:
        return Event(number, body)
    kind = dice.choice(TYPES)
    many = dice.randrange(4) if kind == "email-v3" else 0
    recipients = tuple(f"r{number}.{n}@example.com" for n in range(many))
    return Event(number, body, dice.choice(TENANTS), f"id-{number}", kind, recipients)


class _Write(NamedTuple):
    """What Kafka gets, whatever the sender learns of it."""

    at: float
    event: Event
    kind: str


def _send(events: list[Event], dice: Random) -> tuple[list[Attempt], list[_Write]]:
    attempts: list[Attempt] = []
    writes: list[_Write] = []
    for event in events:
        began = event.number * 0.3
        for number in range(dice.choice((1, 1, 2, 3, 4))):
            attempt = _attempt(event, began, dice, surely=event.number == number == 0)
            attempts.append(attempt)
            if (at := _stored_at(attempt, dice)) is not None:
                raw = not event.poison or attempt.route == "kafka"
                writes.append(_Write(at, event, "raw" if raw else "quarantine"))
            began = attempt.ended + dice.choice((0.1, 5.0))
    attempts.sort(key=lambda attempt: attempt.ended)
    return attempts, sorted(writes, key=lambda write: write.at)


def _attempt(event: Event, began: float, dice: Random, *, surely: bool) -> Attempt:
    by_hand = event.poison and dice.random() < 0.5
    route = "kafka" if by_hand else dice.choice(("ingress-1", "ingress-2"))
    status = 200 if surely else dice.choice((200, 200, 200, None if by_hand else 503, None))
    return Attempt(event.number, route, began, began + dice.uniform(0.01, 2.9), status)


def _stored_at(attempt: Attempt, dice: Random) -> float | None:
    if attempt.status == 200:
        return dice.uniform(attempt.started, attempt.ended)
    return attempt.started + dice.uniform(0.0, 9.0) if dice.random() < 0.5 else None


class _Cluster:
    """Logs by lane; what was taken back and the markers of transactions take offsets too."""

    def __init__(self, partitions: int, dice: Random) -> None:
        self._partitions, self._dice = partitions, dice
        self._next: dict[Lane, int] = defaultdict(int)
        self.logs: dict[Lane, list[tuple[float, Record]]] = defaultdict(list)

    def run(self, writes: list[_Write]) -> None:
        """Store, then split what lies in raw; both in the order of time."""
        events = {write.event.digest: write.event for write in writes}
        direct = [write for write in writes if write.kind == "quarantine"]
        for write in writes:
            if write.kind == "raw":
                self._write(write)
        steps: list[tuple[float, _Write | list[Record]]] = [(write.at, write) for write in direct]
        for partition in range(self._partitions):
            steps += self._batches(partition)
        seen: set[bytes] = set()
        for at, step in sorted(steps, key=lambda step: step[0]):
            if isinstance(step, list):
                self._transact(at, step, events, seen)
            else:
                self._write(step)

    def _write(self, write: _Write) -> None:
        key = write.event.tenant.encode() or self._dice.choice((None, TENANTS[1].encode()))
        spread = self._dice.randrange(self._partitions)
        partition = spread if key is None else partition_for(key, self._partitions)
        self._append(write.at, write.kind, partition, write.event.digest, key)

    def _append(
        self, at: float, kind: str, partition: int, body: bytes, key: bytes | None
    ) -> Record:
        record = Record(kind, partition, self._next[kind, partition], body, key)
        self._next[kind, partition] += 1
        self.logs[kind, partition].append((at, record))
        return record

    def _batches(self, partition: int) -> Iterator[tuple[float, list[Record]]]:
        log, at = list(self.logs["raw", partition]), 0.0
        while log:
            size = self._dice.randint(1, 5)
            at = max(at, log[:size][-1][0]) + self._dice.random()
            yield at, [record for _, record in log[:size]]
            del log[:size]

    def _transact(
        self, at: float, batch: list[Record], events: dict[bytes, Event], seen: set[bytes]
    ) -> None:
        touched = set()
        for raw in batch:
            if raw.digest in seen:
                continue
            event = events[raw.digest]
            kind = "quarantine" if event.poison else f"event.{event.type}"
            if self._dice.random() < 0.2:
                self._next[kind, raw.partition] += self._dice.randint(1, 3)
            self._append(at, kind, raw.partition, raw.digest, raw.key)
            if event.poison:
                self._name_source(raw)
            else:
                seen.add(raw.digest)
            touched.add((kind, raw.partition))
            for recipient in event.recipients:
                self._append(at, "task", raw.partition, command(recipient), raw.key)
                touched.add(("task", raw.partition))
        for lane in touched:
            self._next[lane] += 1

    def _name_source(self, raw: Record) -> None:
        at, record = self.logs["quarantine", raw.partition].pop()
        named = replace(record, source=(raw.partition, raw.offset))
        self.logs["quarantine", raw.partition].append((at, named))

    def records(self, kind: str) -> list[Record]:
        lanes = sorted(lane for lane in self.logs if lane[0].startswith(kind))
        return [record for lane in lanes for _, record in self.logs[lane]]

    def ends(self) -> Iterator[End]:
        for (kind, partition), high in sorted(self._next.items()):
            yield End(kind, partition, 0, high, high)
        # Compacted: its beginning goes, and nobody misses it.
        yield End("dedup", 0, 7, 9, 9)


def _live(cluster: _Cluster, dice: Random) -> Iterator[Seen]:
    """Poll until everything was read."""
    logs = {lane: log for lane, log in cluster.logs.items() if log}
    end = max(log[-1][0] for log in logs.values())
    position = dict.fromkeys(logs, 0)
    now, poll, session = 0.0, 0, 0
    while now <= end:
        now, poll = now + end / 12, poll + 1
        if dice.random() < 0.15:
            session += 1
            position = {lane: max(0, at - dice.randrange(3)) for lane, at in position.items()}
        for lane, log in logs.items():
            ready = sum(at <= now for at, _ in log)
            for _, record in log[position[lane] : ready]:
                yield Seen(record, now, poll, session)
            position[lane] = max(position[lane], ready)


def _tasks(events: list[Event], outputs: list[Record]) -> list[Task]:
    known = {event.digest: event for event in events}
    return [
        Task(f"key-{recipient}", event.tenant, recipient)
        for event in (known[record.digest] for record in outputs)
        for recipient in event.recipients
    ]
