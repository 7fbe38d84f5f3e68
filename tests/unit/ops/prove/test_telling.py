"""What is shown while a round runs comes from its parts, as far as they have told."""

import time
from typing import Any, cast

import pytest

from ops.prove.history import Strike
from ops.prove.profiles import Profile
from ops.prove.progress import Display, Now
from ops.prove.telling import Telling
from ops.prove.watch import Sample

PROFILE = Profile("small", events=500, kills=4, seconds=60)
LINE = {"sent": 120, "ok": 100, "fail": 15, "unknown": 5, "p99": 23.4}


class Shown:
    """A display that keeps what it is given."""

    def __init__(self) -> None:
        self.shown: list[Now] = []
        self.said: list[str] = []

    def show(self, now: Now) -> None:
        self.shown.append(now)

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def telling(shown: Shown, clock: list[float]) -> Telling:
    telling = Telling(cast("Display", shown))
    telling.begin(PROFILE, 7, [])
    clock[0] += 15
    return telling


def after(telling: Telling, shown: Shown, **line: Any) -> Now:
    telling.sent({**LINE, **line})
    return shown.shown[-1]


def test_what_the_sender_says_is_shown_beside_the_plan(telling: Telling, shown: Shown) -> None:
    assert after(telling, shown) == Now(
        elapsed=15,
        remaining=45,
        sent=120,
        events=500,
        ok=100,
        fail=15,
        unknown=5,
        kills=0,
        kills_planned=7,
        fault="",
        p99=23.4,
        lag=None,
    )


def test_the_remaining_time_is_never_negative(
    telling: Telling, shown: Shown, clock: list[float]
) -> None:
    clock[0] += 100
    assert after(telling, shown, p99=None).remaining == 0
    assert shown.shown[-1].p99 is None


def test_the_lag_is_the_last_that_was_seen(shown: Shown, clock: list[float]) -> None:
    telling, samples = Telling(cast("Display", shown)), list[Sample]()
    telling.begin(PROFILE, 7, samples)
    samples += [Sample(clock[0], 10, 0), Sample(clock[0], 30, 0)]
    assert after(telling, shown).lag == 30
    samples.append(Sample(clock[0], None, None))
    assert after(telling, shown).lag is None


def test_a_fault_is_shown_and_fades_while_its_count_stays(
    telling: Telling, shown: Shown, clock: list[float]
) -> None:
    telling.struck(Strike("pause worker", "streams-2", clock[0] - 8, clock[0]))
    assert after(telling, shown).fault == "pause worker: streams-2"
    clock[0] += 5
    assert after(telling, shown).fault == "pause worker: streams-2"
    clock[0] += 2
    assert after(telling, shown).fault == ""
    assert shown.shown[-1].kills == 1


def test_after_the_senders_last_line_each_fault_shows_how_all_stands(
    telling: Telling, shown: Shown, clock: list[float]
) -> None:
    telling.struck(Strike("kill worker", "streams-1", clock[0], clock[0]))
    assert shown.shown == []  # there is nothing to count yet
    after(telling, shown)
    clock[0] += 10
    telling.struck(Strike("kill worker", "streams-2", clock[0], clock[0]))
    assert len(shown.shown) == 2
    now = shown.shown[-1]
    assert (now.elapsed, now.sent, now.kills, now.fault) == (25, 120, 2, "kill worker: streams-2")


def test_a_fault_that_never_healed_fades_too(
    telling: Telling, shown: Shown, clock: list[float]
) -> None:
    telling.struck(Strike("cut streams-crm", "streams-crm-1", clock[0]))
    assert after(telling, shown).fault == "cut streams-crm: streams-crm-1"
    clock[0] += 7
    assert after(telling, shown).fault == ""


def test_the_next_round_begins_with_nothing(
    telling: Telling, shown: Shown, clock: list[float]
) -> None:
    telling.struck(Strike("kill worker", "streams-1", clock[0], clock[0]))
    telling.begin(Profile("next", 9, 0, 6), 1, [])
    now = after(telling, shown, sent=1)
    assert (now.kills, now.kills_planned, now.fault) == (0, 1, "")
    assert (now.events, now.elapsed, now.remaining) == (9, 0, 6)


def test_where_there_is_nothing_to_count_it_is_said(telling: Telling, shown: Shown) -> None:
    telling.say("reading everything back …")
    assert (shown.said, shown.shown) == (["reading everything back …"], [])
