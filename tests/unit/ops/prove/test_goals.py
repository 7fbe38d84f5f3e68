"""What counts as an occasion, from when, and until when."""

from dataclasses import replace

import pytest

from ops.prove.faults import FAULTS
from ops.prove.findings import Goal
from ops.prove.goals import measure
from ops.prove.history import Attempt, Event, History, Record, Seen, Strike
from ops.prove.recovery import longest_way
from schemas.partitioner import partition_for

ANSWER, LEADER, WORKER, RESTART, STABLE, DRAIN = range(6)
# Two tenants on two of two partitions.
TENANTS = {partition_for(f"t{n}".encode(), 2): f"t{n}" for n in range(9)}


def event(number: int, partition: int = 0) -> Event:
    body = bytes([number] * 16)
    return Event(number, body, TENANTS[partition], str(number), "Other")


def attempt(number: int, started: float, seconds: float, status: int | None = 200) -> Attempt:
    return Attempt(number, "ingress-1", started, started + seconds, status)


def seen(number: int, at: float, partition: int = 0, kind: str = "event.Other") -> Seen:
    return Seen(Record(kind, partition, number, event(number).digest, b""), at, 1)


def history(*attempts: Attempt, live: tuple[Seen, ...] = (), fault: str = "") -> History:
    events = [event(number, number % 2) for number in range(10)]
    strikes = [Strike(fault, "somebody", 100.0, 120.0)] if fault else []
    return History(2, events, attempts, live=live, strikes=strikes)


def goal(which: int, given: History) -> tuple[float | None, int]:
    found = measure(given)[which]
    return found.worst_seconds, found.occasions


def test_a_run_without_occasions_meets_every_goal() -> None:
    goals = measure(History(2))
    assert [one.worst_seconds for one in goals] == [None] * 6
    assert all(one.met for one in goals)


def test_what_the_caller_measured_is_taken_at_its_worst() -> None:
    goals = measure(History(2), stable=[1.0, 16.0], drained=[100.0])
    assert goals[STABLE] == Goal("LSO reaches the high watermark", 15.0, 16.0, 2)
    assert not goals[STABLE].met
    assert goals[DRAIN].worst_seconds == 100.0
    assert goals[DRAIN].met


def test_every_answer_counts_and_no_lost_connection_does() -> None:
    given = history(attempt(0, 1, 0.5), attempt(0, 2, 3.5, 503), attempt(0, 3, 2.9, None))
    assert goal(ANSWER, given) == (3.5, 2)
    by_hand = replace(attempt(0, 1, 9), route="kafka")
    assert goal(ANSWER, history(by_hand)) == (None, 0)


def test_an_ingress_that_never_answers_has_no_good_answer_times() -> None:
    silent = history(attempt(0, 1, 5.0, None), attempt(0, 7, 5.0, None))
    assert goal(ANSWER, silent) == (5.0, 2)
    assert not measure(silent)[ANSWER].met


def test_each_partition_is_measured_and_the_worst_one_counts() -> None:
    given = history(
        attempt(0, 99.0, 1.5),  # begun before the kill: says nothing of afterwards
        attempt(0, 101.0, 1.0, 503),
        attempt(0, 103.0, 1.0),
        attempt(1, 100.5, 2.5, 503),
        attempt(1, 108.0, 3.0),
        fault="kill broker",
    )
    assert goal(LEADER, given) == (11.0, 2)
    assert not measure(given)[LEADER].met


def test_an_answer_to_an_attempt_begun_before_the_kill_says_nothing() -> None:
    given = history(attempt(0, 99.0, 1.5), attempt(0, 101.0, 1.0, 503), attempt(0, 103.0, 1.0))
    struck = replace(given, strikes=[Strike("kill broker", "kafka-1", 100.0, 120.0)])
    assert goal(LEADER, struck) == (4.0, 1)


def test_a_partition_that_was_not_interrupted_counts_its_own_answer_alone() -> None:
    given = history(attempt(0, 150.0, 0.5), fault="kill controller")
    assert goal(LEADER, given) == (0.5, 1)


def test_the_first_accepted_is_the_one_that_ended_first() -> None:
    given = history(
        attempt(0, 101.0, 0.5, 503),
        attempt(0, 102.0, 6.0),
        attempt(2, 103.0, 1.0),
        fault="kill broker",
    )
    assert goal(LEADER, given) == (4.0, 1)


def test_what_never_came_back_counts_to_the_end_unless_nobody_can_know() -> None:
    refused = [attempt(0, 100.0 + n, 0.5, 503) for n in range(1, 30)]
    assert goal(LEADER, history(*refused, fault="kill broker")) == (29.5, 1)
    assert goal(LEADER, history(*refused[:5], fault="kill broker")) == (None, 0)


def test_poison_and_unknown_events_have_no_partition() -> None:
    given = replace(
        history(attempt(0, 101.0, 0.5, 503), attempt(77, 101.0, 0.5, 503), fault="kill broker"),
        events=[Event(0, b"")],
    )
    assert goal(LEADER, given) == (None, 0)


def test_refusing_all_until_every_replica_is_in_sync_is_a_goal_missed() -> None:
    refused = [attempt(0, 100.0 + n, 0.1, 503) for n in range(1, 60)]
    given = history(*refused, attempt(0, 159.5, 0.5), fault="kill all brokers")
    healed = [replace(one, healed=159.4) for one in given.strikes]
    assert goal(RESTART, replace(given, strikes=healed)) == (57.0, 1)
    assert not measure(replace(given, strikes=healed))[RESTART].met


def test_a_worker_has_as_long_as_it_takes_to_accept_something_new() -> None:
    given = history(
        attempt(0, 99.0, 0.5),  # sent before the kill
        attempt(2, 102.0, 1.0, 503),
        attempt(2, 104.0, 1.0),
        live=(seen(0, 101.0), seen(2, 117.0)),
        fault="kill worker",
    )
    assert goal(WORKER, given) == (12.0, 1)


def test_the_raw_record_is_no_output() -> None:
    given = history(
        attempt(2, 101.0, 1.0),
        live=(seen(2, 102.0, kind="raw"), seen(2, 119.0)),
        fault="kill all workers",
    )
    assert goal(WORKER, given) == (17.0, 1)


def test_an_output_that_is_seen_before_its_answer_took_no_time() -> None:
    given = history(attempt(2, 101.0, 2.0), live=(seen(2, 102.0),), fault="kill worker")
    assert goal(WORKER, given) == (0.0, 1)


def test_an_output_that_never_came_counts_to_the_end() -> None:
    given = history(
        attempt(2, 101.0, 1.0),
        attempt(1, 130.0, 1.0),
        live=(seen(1, 131.5, 1),),
        fault="kill worker",
    )
    assert goal(WORKER, given) == (29.5, 2)


def test_a_worker_that_is_killed_while_it_takes_over_starts_the_clock_anew() -> None:
    one = history(
        attempt(2, 101.0, 1.0),
        attempt(1, 101.0, 1.0),
        attempt(4, 112.0, 1.0),
        live=(seen(1, 105.0, 1), seen(2, 121.0), seen(4, 122.0)),
        fault="kill worker",
    )
    assert goal(WORKER, one) == (19.0, 2)
    twice = replace(one, strikes=[*one.strikes, Strike("kill worker", "somebody", 111.0, 120.0)])
    assert goal(WORKER, twice) == (9.0, 2)


def test_the_longest_way_begins_at_no_strike() -> None:
    given = history(
        attempt(0, 99.0, 1.0),
        attempt(2, 102.0, 1.0, 503),
        attempt(2, 104.0, 1.0),
        attempt(4, 190.0, 1.0),
        live=(seen(0, 101.0), seen(0, 99.9, kind="raw"), seen(2, 171.0), seen(4, 190.5)),
    )
    often = replace(given, strikes=[Strike("kill worker", "w", at, at) for at in (110.0, 150.0)])
    assert longest_way(often) == longest_way(given) == 66.0
    never = replace(given, live=[one for one in given.live if one.record.offset != 2])
    assert longest_way(never) == 191.0 - 105.0
    assert longest_way(History(2)) == 0.0


def test_a_restart_of_all_is_counted_from_when_they_were_up_not_from_when_all_is_well() -> None:
    given = history(attempt(0, 101.0, 1.0, None), attempt(0, 119.0, 1.0), fault="kill all brokers")
    assert goal(RESTART, given) == (17.0, 1)
    told = [replace(one, restarted=104.5) for one in given.strikes]
    assert goal(RESTART, replace(given, strikes=told)) == (15.5, 1)
    assert goal(LEADER, given) == (None, 0)
    early = history(attempt(0, 101.0, 1.0), fault="kill all brokers")
    assert goal(RESTART, early) == (0.0, 1)


@pytest.mark.parametrize(
    ("which", "names"),
    [
        (LEADER, {"kill broker", "kill leaders' broker", "kill controller"}),
        (WORKER, {"kill worker", "kill all workers"}),
        (RESTART, {"kill all brokers"}),
    ],
)
def test_these_faults_are_occasions_and_no_others(which: int, names: set[str]) -> None:
    attempts = [attempt(0, 101.0, 1.0)]
    found = {
        name
        for name in FAULTS
        if goal(which, history(*attempts, live=(seen(0, 103.0),), fault=name))[1]
    }
    assert found == names
