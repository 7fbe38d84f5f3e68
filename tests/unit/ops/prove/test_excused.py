"""Whose fault a late answer is."""

from dataclasses import replace

import pytest

from ops.prove.checker import check
from ops.prove.excused import excused
from ops.prove.goals import measure
from ops.prove.history import Attempt, Event, History, Strike

PAUSED = Strike("pause ingress", "ingress-1", 10.0, 16.0)
CUT = Strike("cut client-ingress", "client-ingress-1, client-ingress-2", 10.0, 16.0)


def attempt(started: float, ended: float, route: str = "ingress-1") -> Attempt:
    return Attempt(0, route, started, ended, 200)


@pytest.mark.parametrize("strike", [PAUSED, CUT])
@pytest.mark.parametrize(("started", "ended"), [(8.0, 17.0), (11.0, 16.5), (9.0, 13.0)])
def test_who_was_stopped_meanwhile_is_excused(strike: Strike, started: float, ended: float) -> None:
    assert excused([strike])(attempt(started, ended))


@pytest.mark.parametrize(
    ("strike", "late"),
    [
        (PAUSED, attempt(11.0, 16.5, "ingress-2")),
        (PAUSED, attempt(16.1, 20.0)),
        (PAUSED, attempt(5.0, 9.0)),
        (Strike("reset client-ingress", "client-ingress-1", 10.0, 16.0), attempt(11.0, 16.5)),
        (Strike("pause broker", "kafka-1", 10.0, 16.0), attempt(11.0, 16.5)),
        (Strike("pause worker", "ingress-1", 10.0, 16.0), attempt(11.0, 16.5)),
    ],
)
def test_nobody_else_is(strike: Strike, late: Attempt) -> None:
    assert not excused([strike])(late)


@pytest.mark.parametrize("status", [200, None])
def test_the_checker_and_the_goals_know_it(status: int | None) -> None:
    event = Event(0, b"d", "t", "1", "Other")
    waited = replace(attempt(11.0, 16.5), status=status)
    for strikes, late in ([PAUSED], False), ([], True):
        history = History(1, [event], [waited], strikes=strikes)
        assert ("late-answer" in {one.name for one in check(history)}) is late
        assert (measure(history)[0].worst_seconds is not None) is late
