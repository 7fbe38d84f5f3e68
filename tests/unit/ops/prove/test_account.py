"""From what was played to the report: the numbers agree with the books, times with the start."""

from dataclasses import replace

import pytest

from ops.prove.account import account, cell, counts
from ops.prove.findings import Report, Verdict
from ops.prove.history import Attempt, History, Strike
from ops.prove.round import Played
from ops.prove.settle import Settled
from ops.prove.watch import Sample
from tests.histories import valid

BLANK = Report(Verdict.VOID, (), "geophone prove --seed 1", "ci", 1, "2026-01-01", 0.0, {}, {})
BEGAN = 2.0


def played(history: History, stable: float | None = 1.5) -> Played:
    samples = [Sample(BEGAN + second, 3, 0) for second in range(5)]
    return Played(history, BEGAN, Settled(4.0, stable), samples, kills=9, lags=())


@pytest.fixture
def history() -> History:
    return valid(seed=3, events=40)


def test_a_valid_history_passes_and_the_report_has_all_of_it(history: History) -> None:
    report = account(BLANK, played(history))
    assert (report.verdict, report.reasons, report.findings) == (Verdict.PASSED, (), [])
    assert len(report.identities) > 5
    assert all(one.holds for one in report.identities)
    assert (report.command, report.profile, report.seed) == (BLANK.command, "ci", 1)
    assert sum(each or 0 for each in report.series.columns["accepted"]) > 0


def test_a_lost_event_fails_the_run(history: History) -> None:
    body = history.outputs[0].digest
    outputs = [one for one in history.outputs if one.digest != body]
    report = account(BLANK, played(replace(history, outputs=outputs)))
    assert report.verdict is Verdict.FAILED
    assert report.reasons


def test_a_history_that_says_nothing_is_void_whatever_was_found(history: History) -> None:
    report = account(BLANK, played(replace(history, outputs=[], live=[])))
    assert report.verdict is Verdict.VOID
    assert report.reasons == ("the live reader got nothing",)


def test_the_sender_s_own_delay_is_told(history: History) -> None:
    late = replace(played(history), lags=[(1.0, 0.01), (2.0, 0.32), (3.0, 0.02)])
    assert counts(late)["longest delay of the sender's own, in ms"] == 320
    assert counts(played(history))["longest delay of the sender's own, in ms"] == 0


@pytest.mark.parametrize("seed", range(8))
def test_the_counts_add_up_as_the_books_do(seed: int) -> None:
    history = valid(seed)
    found = counts(played(history))
    outcomes = sum(found[f"attempts {outcome}"] for outcome in ("ok", "fail", "unknown"))
    assert outcomes == found["attempts"] == len(history.attempts)
    from_raw = sum(one.source is not None for one in history.quarantine)
    assert found["raw records"] == found["output records"] + found["duplicates dropped"] + from_raw
    assert found["quarantined"] >= from_raw


def test_the_longest_way_is_a_figure_without_a_limit(history: History) -> None:
    late = [replace(one, at=one.at + 300.0) for one in history.live]
    longest = "longest from a 2xx to readable, in ms"
    in_time = counts(played(history))[longest]
    assert counts(played(replace(history, live=late)))[longest] == pytest.approx(
        in_time + 300_000, abs=1
    )


def test_what_else_is_counted(history: History) -> None:
    found = counts(played(history))
    assert found["events"] == 40
    accepted = {one.event for one in history.attempts if one.status == 200}
    assert found["given up"] == 40 - len(accepted) > 0
    assert found["kill -9"] == 9
    assert found["faults"] == 1
    assert found["task commands"] == len(history.commands) > 0
    assert found["tasks"] == len(history.tasks)
    assert found["read live"] == len(history.live)


def test_late_is_what_came_after_the_senders_limit_or_not_at_all() -> None:
    late = [
        Attempt(0, "ingress-1", 1.0, 4.1, 503),
        Attempt(0, "ingress-1", 1.0, 4.0, 200),
        Attempt(0, "ingress-1", 1.0, 9.0, None),
        Attempt(0, "ingress-1", 1.0, 1.1, None),
        Attempt(0, "kafka", 1.0, 9.0, 200),
    ]
    history = valid()
    assert counts(played(replace(history, attempts=late)))["answers later than 3 s, or never"] == 2
    assert counts(played(history))["answers later than 3 s, or never"] == 0


def test_strikes_are_told_in_seconds_from_the_start(history: History) -> None:
    never = Strike("cut streams-crm", "streams-crm-1", 5.0, restarted=6.0)
    past = replace(history, strikes=[*history.strikes, never])
    first, second = account(BLANK, played(past)).strikes
    assert first == Strike("kill worker", "worker-1", 1.0, 2.0)
    assert (second.at, second.healed, second.restarted) == (3.0, None, 4.0)


def test_the_time_until_all_was_decided_is_a_goal_and_if_it_never_was_so_is_the_wait(
    history: History,
) -> None:
    def stable(seconds: float | None) -> tuple[float | None, int]:
        goals = account(BLANK, played(history, seconds)).goals
        [goal] = [one for one in goals if one.name.startswith("LSO")]
        return goal.worst_seconds, goal.occasions

    assert stable(1.5) == (1.5, 1)
    assert stable(None) == (4.0, 1)


def test_a_cell_is_the_account_of_its_round(history: History) -> None:
    good = cell("kill worker", 8, BLANK, played(history))
    assert (good.fault, good.seed, good.verdict, good.reasons) == (
        "kill worker", 8, Verdict.PASSED, ()
    )  # fmt: skip
    assert good.counts["kill -9"] == 9
    assert len(good.goals) == len(account(BLANK, played(history)).goals)
    bad = cell("kill worker", 8, BLANK, played(replace(history, tasks=history.tasks[1:])))
    assert bad.verdict is Verdict.FAILED
    assert bad.reasons
