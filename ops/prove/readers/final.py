"""Reads everything from the beginning of a run, after its end, as a consumer of another make would.

librdkafka filters what was aborted by code of its own, so that what two readers agree on is no
quirk of one. It reads to the high watermark: a transaction's markers reach the outputs one by
one, and what lies beyond the last stable offset may have been promised already. It joins no group
and commits nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ops.prove.history import End, Record
from ops.prove.readers.ends import Ends, places
from ops.prove.readers.kinds import DEAD, OUTPUT, QUARANTINE, RAW, TASK, read_kinds
from ops.prove.readers.log import Log, Place
from schemas.connection import KafkaConnection
from schemas.topics import Topics

STALL_SECONDS = 30.0
"""Longest time without anything new; not a limit on the whole, which may be millions of records."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What lies in the topics, per partition in order, and where the partitions end.

    `ends` are those of every topic, also of those that are not read. `undecided` are partitions
    whose end no reader comes to: their last stable offset stays below the high watermark.
    """

    raw: list[Record]
    outputs: list[Record]
    quarantine: list[Record]
    commands: list[Record]
    dead: list[Record]
    ends: list[End]
    undecided: tuple[Place, ...] = ()


def read_everything(
    connection: KafkaConnection,
    prefix: str,
    partitions: int,
    before: Iterable[End] = (),
    stall_seconds: float = STALL_SECONDS,
) -> Reading:
    """Read all of it, blocking; `before` is where everything ended when the run began.

    Raises:
        TimeoutError: nothing came for `stall_seconds` although there is something to read.
        KafkaException: the cluster does not answer.
    """
    asking = Ends(connection, prefix)
    kinds = [topic.name.removeprefix(prefix) for topic in Topics(prefix)]
    everywhere = places(prefix, kinds, partitions)
    read = set(read_kinds(prefix))
    since = {(end.kind, end.partition): end.high for end in before}
    ends = _since(asking.read(everywhere), since)
    log = Log(prefix, [_begun(end) for end in ends if end.kind in read], stall_seconds)
    log.read(connection)
    ends = _since(asking.read(everywhere), since)
    log.judge({(end.kind, end.partition): end for end in ends})
    return _sorted(log, ends)


def _since(ends: Iterable[End], since: Mapping[Place, int]) -> list[End]:
    return [replace(end, since=since.get((end.kind, end.partition), 0)) for end in ends]


def _begun(end: End) -> End:
    """What is to be read: not what retention has deleted, nor what was there before."""
    return replace(end, start=max(end.start, end.since))


def _sorted(log: Log, ends: list[End]) -> Reading:
    def of(wanted: Callable[[str], bool]) -> list[Record]:
        return list(_records(log.found, wanted))

    return Reading(
        raw=of(RAW.__eq__),
        outputs=of(lambda kind: kind.startswith(OUTPUT)),
        quarantine=of(QUARANTINE.__eq__),
        commands=of(TASK.__eq__),
        dead=of(DEAD.__eq__),
        ends=ends,
        undecided=log.undecided,
    )


def _records(found: dict[Place, list[Record]], wanted: Callable[[str], bool]) -> Iterator[Record]:
    for place in sorted(found):
        if wanted(place[0]):
            yield from found[place]
