"""The canary's judgement on observations made by hand: a good one, and each way to be bad."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from ops.prove.canary.judge import Judgement, judge
from ops.prove.canary.observed import Observed, Sighting
from ops.prove.canary.plan import TENANT, TYPE, Prepared, deliveries, prepare
from ops.prove.canary.tally import Spread
from ops.prove.findings import Verdict
from ops.prove.history import Attempt, Record
from schemas.partitioner import partition_for
from tests.canary_plan import plan

PARTITIONS = 12
HOME = partition_for(TENANT.encode(), PARTITIONS)
EVENTS = prepare(plan(events=10), "canary-x", "2026-04-07T12:34:56.000Z")


def sighting(prepared: Prepared, kind: str, offset: int, at: float) -> Sighting:
    event = prepared.event
    record = Record(kind, HOME, offset, event.digest, TENANT.encode())
    return Sighting(event.number, at, record, event.event_id, f"com.seismic.{TYPE}")


def well() -> Observed:
    """Each delivery takes 10 ms, is readable in raw after 20 ms, and in its topic after 50 ms."""
    order = list(deliveries(len(EVENTS)))
    attempts = [Attempt(n, "url", at, at + 0.01, 200) for at, n in enumerate(order)]
    raw = [sighting(EVENTS[n], "raw", 100 + at, at + 0.02) for at, n in enumerate(order)]
    outputs = [
        sighting(each, f"event.{TYPE}", 7 + each.event.number, order.index(number) + 0.05)
        for number, each in enumerate(EVENTS)
    ]
    return Observed([e.event for e in EVENTS], attempts, raw, outputs, PARTITIONS, 30)


def names(judgement: Judgement) -> list[str]:
    return [each.name for each in judgement.findings]


def test_every_fifth_event_is_delivered_again_near_or_far() -> None:
    assert list(deliveries(12)) == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 9]


def test_what_is_well() -> None:
    judgement = judge(well())
    assert (judgement.verdict, names(judgement)) == (Verdict.PASSED, [])
    assert judgement.counts == {
        "events": 10,
        "sent": 10,
        "attempts": 12,
        "attempts_not_accepted": 0,
        "accepted": 10,
        "accepted_deliveries": 12,
        "in_raw": 10,
        "raw_records": 12,
        "in_event": 10,
        "event_records": 10,
        "hidden_by_open_transactions": 0,
    }
    spreads = {name: spread and round(spread.max) for name, spread in judgement.times.items()}
    assert spreads == {"accepted": 10, "raw": 20, "event": 50}


def changed(sightings: Sequence[Sighting], place: int, **changes: object) -> list[Sighting]:
    """Return them with one whose record is another."""
    one = sightings[place]
    made = list(sightings)
    made[place] = replace(one, record=replace(one.record, **changes))  # type: ignore[arg-type]
    return made


def swapped(sightings: Sequence[Sighting], left: int, right: int) -> list[Sighting]:
    offsets = [sightings[each].record.offset for each in (left, right)]
    return changed(changed(sightings, left, offset=offsets[1]), right, offset=offsets[0])


def without(sightings: Sequence[Sighting], *events: int) -> list[Sighting]:
    return [each for each in sightings if each.event not in events]


def refuse_the_last(one: Observed) -> Observed:
    last = replace(one.attempts[-1], status=503)
    return replace(one, attempts=[*one.attempts[:-1], last])


def leave_the_first_unanswered(one: Observed) -> Observed:
    first = replace(one.attempts[0], status=None)
    return replace(one, attempts=[first, *one.attempts[1:]])


def label(sightings: Sequence[Sighting], **labels: str | None) -> list[Sighting]:
    return [replace(sightings[0], **labels), *sightings[1:]]  # type: ignore[arg-type]


BREACHES: dict[str, tuple[str, Callable[[Observed], Observed]]] = {
    "a second delivery refused": ("refused", refuse_the_last),
    "no answer": ("refused", leave_the_first_unanswered),
    "the second copy not in raw": ("lost", lambda o: replace(o, raw=o.raw[:-1])),
    "in raw only": ("stuck", lambda o: replace(o, outputs=without(o.outputs, 3))),
    "readable after 31 s": (
        "late",
        lambda o: replace(o, outputs=[*o.outputs[:-1], replace(o.outputs[-1], at=42.1)]),
    ),
    "twice in the event topic": (
        "duplicate",
        lambda o: replace(o, outputs=[*o.outputs, *changed(o.outputs[:1], 0, offset=99)]),
    ),
    "raw out of order": ("out of order", lambda o: replace(o, raw=swapped(o.raw, 1, 2))),
    "outputs out of order": (
        "out of order",
        lambda o: replace(o, outputs=swapped(o.outputs, 0, 9)),
    ),
    "other bytes in raw": ("altered", lambda o: replace(o, raw=changed(o.raw, 2, digest=b"x"))),
    "other bytes in the topic": (
        "altered",
        lambda o: replace(o, outputs=changed(o.outputs, 2, digest=b"x")),
    ),
    "no key": ("misplaced", lambda o: replace(o, outputs=changed(o.outputs, 2, key=None))),
    "another partition": (
        "misplaced",
        lambda o: replace(o, outputs=changed(o.outputs, 2, partition=HOME + 1)),
    ),
    "no ce_id": ("mislabelled", lambda o: replace(o, raw=label(o.raw, ce_id=None))),
    "another ce_type": (
        "mislabelled",
        lambda o: replace(o, outputs=label(o.outputs, ce_type="com.seismic.Other")),
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_breach_is_found_and_nothing_else(breach: str) -> None:
    name, break_it = BREACHES[breach]
    judgement = judge(break_it(well()))
    assert (judgement.verdict, names(judgement)) == (Verdict.FAILED, [name])
    (finding,) = judgement.findings
    assert "canary-x-" in finding.examples[0]


def test_what_is_in_no_topic_is_lost_and_not_stuck_as_well() -> None:
    one = well()
    judgement = judge(replace(one, raw=without(one.raw, 3), outputs=without(one.outputs, 3)))
    assert names(judgement) == ["lost"]
    assert judgement.findings[0].examples == (
        "canary-x-4: 1 times answered 2xx, 0 times in the raw topic",
    )


def test_a_retry_may_be_there_twice_in_raw_and_its_time_counts_from_the_first_request() -> None:
    one = well()
    late = Attempt(0, "url", -5.0, -2.5, 503)
    copy = replace(one.raw[0], record=replace(one.raw[0].record, offset=500))
    judgement = judge(replace(one, attempts=[late, *one.attempts], raw=[*one.raw, copy]))
    assert names(judgement) == []
    assert judgement.counts["attempts_not_accepted"] == 1
    assert judgement.times["event"] is not None
    assert round(judgement.times["event"].max) == 5050


def test_what_was_never_accepted_may_be_anywhere_in_the_order() -> None:
    one = refuse_the_last(well())
    attempts = [each for each in one.attempts if each.event != 9 or each.status != 200]
    raw = [each for each in one.raw if each.event != 9]
    judgement = judge(
        replace(one, attempts=attempts, raw=raw, outputs=changed(one.outputs, 9, offset=0))
    )
    assert names(judgement) == ["refused"]


def test_examples_are_few_and_the_count_is_of_all() -> None:
    judgement = judge(replace(well(), outputs=[]))
    assert [(each.count, len(each.examples)) for each in judgement.findings] == [(10, 3)]


def test_percentiles_are_of_the_nearest_rank() -> None:
    spread = Spread.of(number / 1000 for number in range(150, 0, -1))
    assert spread is not None
    assert [spread.count, *map(round, (spread.p50, spread.p99, spread.max))] == [150, 75, 149, 150]
    assert Spread.of([]) is None
