"""Deduplication does not depend on how the records come: in what batches, how often, from where."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from schemas.topics import Topics
from streams.dedup import Decision, decide
from streams.marks import MemoryMarks, Position
from streams.transaction import Output
from tests.records import record
from tests.streams_rig import event

TOPICS = Topics()
BODIES = st.one_of(
    st.builds(
        event,
        st.sampled_from(["tenant-a", "tenant-b", ""]),
        st.sampled_from(["1", "2", "3", ""]),
        st.sampled_from(["UserCreatedV1", "usercreatedv1", "NeverHeardOfV9"]),
        n=st.integers(0, 2),
    ),
    st.sampled_from([b"{", b"", b"[]", b'{"interactionId": "i"}', b'{"interactionId": "j"}']),
    st.none(),
)
RAW = st.lists(BODIES, max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=8)


def raw(bodies: Sequence[bytes | None]) -> list[ConsumerRecord]:
    return [record(body, offset) for offset, body in enumerate(bodies)]


def split(whole: Sequence[ConsumerRecord], cuts: Sequence[int]) -> Iterator[list[ConsumerRecord]]:
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    for start, end in pairwise(edges):
        yield list(whole[start:end])


class Worker:
    """Commits every decision, and may die between deciding and committing."""

    def __init__(self) -> None:
        self.marks = MemoryMarks()
        self.written: list[Output] = []
        self.decisions: list[Decision] = []

    def handle(self, batch: list[ConsumerRecord], *, dies_before_commit: bool = False) -> None:
        decision = decide(batch, self.marks, TOPICS, "legacy")
        if dies_before_commit:
            return
        self.decisions.append(decision)
        self.written += decision.outputs
        self.marks.add(decision.marks, Position(0, batch[-1].offset + 1))


@given(RAW, CUTS)
def test_any_split_into_batches_writes_the_same(
    bodies: list[bytes | None], cuts: list[int]
) -> None:
    whole, parts = Worker(), Worker()
    for batch in split(raw(bodies), []):
        whole.handle(batch)
    for batch in split(raw(bodies), cuts):
        parts.handle(batch)
    assert parts.written == whole.written


@given(RAW, CUTS, st.lists(st.booleans(), min_size=10, max_size=10))
def test_dying_before_any_commit_and_reading_again_writes_the_same(
    bodies: list[bytes | None], cuts: list[int], deaths: list[bool]
) -> None:
    steady, mortal = Worker(), Worker()
    for number, batch in enumerate(split(raw(bodies), cuts)):
        steady.handle(batch)
        mortal.handle(batch, dies_before_commit=deaths[number % 10])
        if deaths[number % 10]:
            mortal.handle(batch)
    assert mortal.written == steady.written


@given(RAW, RAW)
def test_delivering_everything_again_adds_no_event(
    bodies: list[bytes | None], more: list[bytes | None]
) -> None:
    worker = Worker()
    for batch in split(raw([*bodies, *more]), []):
        worker.handle(batch)
    events = [output for output in worker.written if output.topic != TOPICS.quarantine.name]
    for batch in split(raw([*more, *bodies, *more]), []):
        worker.handle(batch)
    again = [output for output in worker.written if output.topic != TOPICS.quarantine.name]
    assert again == events


@given(RAW, CUTS)
def test_the_books_balance(bodies: list[bytes | None], cuts: list[int]) -> None:
    worker = Worker()
    for batch in split(raw(bodies), cuts):
        worker.handle(batch)
    duplicates = sum(decision.duplicates for decision in worker.decisions)
    quarantined = sum(decision.quarantined.total() for decision in worker.decisions)
    marks = sum(len(decision.marks) for decision in worker.decisions)
    assert len(bodies) == len(worker.written) + duplicates
    assert len(worker.written) == marks + quarantined
