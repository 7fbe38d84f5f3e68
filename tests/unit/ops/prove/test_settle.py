"""When a run has settled, and what it says if it has not."""

import asyncio
from dataclasses import dataclass

import pytest
from confluent_kafka import KafkaError, KafkaException

from ops.prove import settle
from ops.prove.history import End
from ops.prove.settle import Settled, until_settled
from ops.prove.watch import STAGES, Look


def look(stable: int, high: int, committed: int | None = None) -> Look:
    done = {("raw", 0): high if committed is None else committed}
    by_stage = {stage: done if stage == "dedup" else {} for stage in STAGES}
    return Look(by_stage, (End("raw", 0, 0, stable, high),))


@dataclass
class Looks:
    """Shows one look after the other, the last one for ever; counts how often it was asked."""

    looks: list[Look | None]
    asked: int = 0

    def look(self) -> Look:
        shown = self.looks[min(self.asked, len(self.looks) - 1)]
        self.asked += 1
        if shown is None:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return shown

    def lag(self, one: Look) -> dict[str, int]:
        return {stage: sum(e.high - e.start for e in one.unread(stage)) for stage in STAGES}


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "_PAUSE_SECONDS", 0.001)


async def waited(looks: Looks, seconds: float = 30, *, done: bool = True) -> Settled:
    return await until_settled(looks, lambda: done, seconds)  # type: ignore[arg-type]


async def test_two_equal_quiet_looks_settle_it() -> None:
    looks = Looks([look(5, 5)])
    settled = await waited(looks)
    assert looks.asked == 2
    assert settled.unsettled == ()
    assert settled.lag == {"dedup": 0, "followup": 0, "crm": 0}
    assert settled.stable_seconds is not None
    assert settled.stable_seconds <= settled.seconds


async def test_something_new_between_two_looks_does_not_settle_it() -> None:
    looks = Looks([look(5, 5), look(6, 6), look(7, 7), look(7, 7)])
    await waited(looks)
    assert looks.asked == 4


async def test_work_undecided_records_and_an_outage_are_waited_for() -> None:
    looks = Looks([None, look(4, 5), look(5, 5, committed=3), look(5, 5), None, look(5, 5)])
    settled = await waited(looks)
    assert looks.asked == 7
    assert settled.unsettled == ()


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (look(4, 6), "raw-0: 2 records are undecided"),
        (look(5, 5, committed=3), "dedup: 2 records are not handled"),
        (None, "Kafka does not answer"),
    ],
)
async def test_it_says_what_did_not_settle(shown: Look | None, said: str) -> None:
    settled = await waited(Looks([shown]), 0.05)
    assert said in settled.unsettled[0]
    assert settled.seconds >= 0.05


async def test_it_waits_as_long_as_something_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settle, "_PAUSE_SECONDS", 0.05)
    handled = [look(20, 20, committed=number) for number in range(20)]
    settled = await waited(Looks([*handled, look(20, 20)]), 0.5)
    assert settled.unsettled == ()
    assert settled.seconds > 0.9


async def test_what_only_writes_and_gets_nothing_done_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A worker that starts over and over leaves markers each time, and may commit anew."""
    monkeypatch.setattr(settle, "_PAUSE_SECONDS", 0.02)
    crashing = [look(20 + n, 21 + n, committed=5 - n % 2) for n in range(200)]
    settled = await asyncio.wait_for(waited(Looks([*crashing]), 0.2), 2)
    assert "records are undecided" in settled.unsettled[0]
    assert settled.seconds < 1


async def test_the_lag_is_measured_even_if_a_transaction_hangs() -> None:
    settled = await waited(Looks([look(4, 6, committed=1)]), 0.05)
    assert settled.unsettled == ("raw-0: 2 records are undecided",)
    assert settled.lag == {"dedup": 3, "followup": 0, "crm": 0}


async def test_an_early_lag_is_not_taken_for_that_of_the_end() -> None:
    settled = await waited(Looks([look(5, 5), look(9, 10, committed=5)]), 0.05)
    assert settled.lag["dedup"] == 4


async def test_a_sender_that_goes_on_is_no_end() -> None:
    settled = await waited(Looks([look(5, 5)]), 0.05, done=False)
    assert settled.unsettled == ("the sender is not done",)


async def test_stable_is_what_lay_there_at_the_call_not_what_came_since() -> None:
    looks = Looks([look(3, 5), look(4, 7), look(5, 9), look(5, 99)])
    settled = await waited(looks, 0.05)
    assert settled.stable_seconds is not None
    hanging = await waited(Looks([look(3, 5), look(4, 9)]), 0.05)
    assert hanging.stable_seconds is None


def test_what_a_stage_has_not_read_starts_where_the_log_does() -> None:
    ends = (End("raw", 0, 7, 9, 9), End("raw", 1, 0, 4, 6), End("task", 0, 0, 3, 3))
    one = Look({"dedup": {("raw", 0): 2, ("raw", 1): 4}, "followup": {}, "crm": {}}, ends)
    assert one.unread("dedup") == [End("raw", 0, 7, 9, 9)]
    assert one.unread("crm") == [End("task", 0, 0, 3, 3)]
    assert one.unread("followup") == []
    assert one.unstable == {("raw", 1): 2}
