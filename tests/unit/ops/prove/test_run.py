"""From a wish to the report in its folder, with rounds that were played by nobody."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from aiokafka.errors import KafkaConnectionError
from confluent_kafka import KafkaException
from rich.console import Console

from ops.child import ChildFailed
from ops.prove import cells, run
from ops.prove.faults import FAULTS, FaultFailed, Site
from ops.prove.history import History, Strike
from ops.prove.process import HarnessFailed
from ops.prove.profiles import SEEDS, Profile
from ops.prove.readers import journal
from ops.prove.resume import earlier
from ops.prove.round import Order, Played
from ops.prove.schedule import NOT_RUN
from ops.prove.settle import Settled
from ops.prove.telling import Telling
from ops.stack import StackFailed
from ops.state import State, StateInUse
from tests.histories import valid

PROFILE = Profile("small", events=40, kills=3, seconds=20)
HISTORY = valid(seed=3, events=40)
LOSSY = replace(HISTORY, outputs=HISTORY.outputs[1:])

Play = Callable[[Order], History]


class Stage:
    """Where rounds are played; `play` says what comes of one."""

    def __init__(self) -> None:
        self.play: Play = lambda _: HISTORY
        self.stacks: list[Path] = []
        self.orders: list[Order] = []
        self.running = 0
        self.wired: list[bool] = []

    @asynccontextmanager
    async def site(self, folder: Path, _: Telling, *, wired: bool) -> AsyncIterator[Site]:
        self.stacks.append(folder)
        self.wired.append(wired)
        self.running += 1
        try:
            yield cast("Site", self)
        finally:
            self.running -= 1

    async def round(self, _: Site, order: Order, __: Telling) -> Played:
        assert self.running == 1
        self.orders.append(order)
        return Played(self.play(order), 0.0, Settled(1.0, 1.0), [], 3, ())


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage = Stage()
    monkeypatch.setattr(run, "_site", stage.site)
    monkeypatch.setattr(run, "play", stage.round)
    return stage


async def prove(
    folder: Path, profile: Profile | None = PROFILE, *, resume: bool = False
) -> tuple[int, str, Any]:
    """Return the exit code, what was printed, and what report.json says."""
    printed = io.StringIO()
    begun = earlier(folder) if resume else None
    wish = run.Wish(profile, 7, folder, "geophone prove --seed 7", begun)
    code = await run.prove(wish, Console(file=printed, width=200))
    return code, printed.getvalue(), orjson.loads((folder / "report.json").read_bytes())


def failing(error: Exception) -> Play:
    def play(_: Order) -> History:
        raise error

    return play


async def test_a_round_that_went_well_is_a_pass(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "prove"
    code, printed, report = await prove(folder)
    assert (code, report["verdict"], report["reasons"]) == (0, "passed", [])
    assert all(identity["holds"] for identity in report["identities"])
    assert (report["command"], report["profile"], report["seed"]) == (
        "geophone prove --seed 7", "small", 7
    )  # fmt: skip
    assert report["counts"]["kill -9"] == 3
    assert report["seconds"] > 0
    assert report["versions"].keys() >= {"geophone", "Kafka", "Python"}
    assert report["environment"].keys() == {"machine", "system"}
    assert "PASSED" in printed
    for file in ("report.json", "report.html"):
        assert f"report: {folder / file}" in printed
    assert b"geophone prove --seed 7" in (folder / "report.html").read_bytes()
    [order] = stage.orders
    assert (order.seed, order.profile) == (7, PROFILE)
    assert order.folder.parent == stage.stacks[0].parent == folder
    assert stage.running == 0


@pytest.mark.parametrize(
    ("faults", "wired"), [((), False), (("kill worker",), False), (("crm 500", "crm down"), True)]
)
async def test_links_are_laid_only_for_faults_that_strike_them(
    stage: Stage, tmp_path: Path, faults: tuple[str, ...], *, wired: bool
) -> None:
    await prove(tmp_path / "prove", replace(PROFILE, faults=faults))
    assert stage.wired == [wired]


async def test_a_loss_is_a_failure(stage: Stage, tmp_path: Path) -> None:
    stage.play = lambda _: LOSSY
    code, printed, report = await prove(tmp_path)
    assert (code, report["verdict"]) == (1, "failed")
    assert "I1" in report["reasons"][0]
    assert report["findings"]
    assert "FAILED" in printed


@pytest.mark.parametrize(
    "error",
    [
        ChildFailed("it would not start"),
        FaultFailed("it would not start"),
        HarnessFailed("it would not start"),
        KafkaConnectionError("it would not start"),
        KafkaException("it would not start"),
        OSError("it would not start"),
        StackFailed("it would not start"),
        journal.Truncated("it would not start"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_harness_that_fails_makes_it_void_and_says_why(
    stage: Stage, tmp_path: Path, error: Exception
) -> None:
    stage.play = failing(error)
    code, printed, report = await prove(tmp_path)
    assert (code, report["verdict"]) == (2, "void")
    [reason] = report["reasons"]
    assert "it would not start" in reason
    assert "it would not start" in printed
    assert (report["seed"], report["command"]) == (7, "geophone prove --seed 7")
    assert b"it would not start" in (tmp_path / "report.html").read_bytes()
    assert stage.running == 0


async def test_an_error_without_words_is_named(stage: Stage, tmp_path: Path) -> None:
    stage.play = failing(TimeoutError())
    _, _, report = await prove(tmp_path)
    assert report["reasons"] == ["TimeoutError()"]


@pytest.mark.usefixtures("stage")
def test_somebodys_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(StateInUse, match="would be emptied"):
        asyncio.run(prove(tmp_path))
    assert [each.name for each in tmp_path.iterdir()] == ["precious"]


async def test_the_next_run_begins_with_an_empty_folder(stage: Stage, tmp_path: Path) -> None:
    await prove(tmp_path)
    (tmp_path / "run").mkdir()
    stage.play = failing(FaultFailed("nothing was hit"))
    _, _, report = await prove(tmp_path)
    assert report["verdict"] == "void"
    assert not (tmp_path / "run").exists()


async def test_a_second_run_in_the_same_folder_is_refused_and_deletes_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    def play(order: Order) -> History:
        order.folder.mkdir()
        with pytest.raises(StateInUse, match="another stack runs"):
            State(tmp_path).forget()
        assert order.folder.exists()
        return HISTORY

    stage.play = play
    code, _, _ = await prove(tmp_path)
    assert code == 0
    assert len(stage.orders) == 1


async def test_the_matrix_plays_every_cell_on_one_stack(stage: Stage, tmp_path: Path) -> None:
    code, _, report = await prove(tmp_path, None)
    assert (code, report["verdict"], report["profile"]) == (0, "passed", "matrix")
    assert len(report["cells"]) == len(FAULTS) * SEEDS
    assert {cell["fault"] for cell in report["cells"]} == FAULTS.keys()
    assert {cell["seed"] for cell in report["cells"]} == {7, 8, 9}
    assert len(stage.stacks) == 1
    for distinct in ("name", "folder"):
        assert len({getattr(order, distinct) for order in stage.orders}) == len(stage.orders)
    assert all(order.profile.faults == (order.profile.name,) for order in stage.orders)


async def test_a_cell_that_failed_fails_the_matrix(stage: Stage, tmp_path: Path) -> None:
    stage.play = lambda order: LOSSY if order.name == "c4" else HISTORY
    code, _, report = await prove(tmp_path, None)
    assert code == 1
    assert [cell["verdict"] for cell in report["cells"]].count("failed") == 1
    assert report["reasons"][0].startswith("kill ingress, seed 8: failed: ")
    assert len(set(stage.stacks)) == len(stage.stacks) == 2


async def test_a_cell_that_says_nothing_is_played_again_on_a_new_stack(
    stage: Stage, tmp_path: Path
) -> None:
    last = f"c{len(FAULTS) * SEEDS - 1}"

    def play(order: Order) -> History:
        if order.name in {"c4", last, f"{last}r"}:
            raise FaultFailed("nothing was hit")
        return HISTORY

    stage.play = play
    code, _, report = await prove(tmp_path, None)
    assert (code, report["verdict"]) == (2, "void")
    verdicts = [cell["verdict"] for cell in report["cells"]]
    assert (len(verdicts), verdicts.count("void")) == (len(FAULTS) * SEEDS, 1)
    assert verdicts[4] == "passed"
    assert report["cells"][4]["counts"][cells.PLAYED_AGAIN] == 1
    assert report["reasons"] == [f"{list(FAULTS)[-1]}, seed 9: void: nothing was hit"]
    assert len(set(stage.stacks)) == len(stage.stacks) == 3
    folders = [order.folder for order in stage.orders]
    assert len(set(folders)) == len(folders) == len(FAULTS) * SEEDS + 2


async def test_a_bug_in_one_cell_costs_no_other_and_is_not_played_away(
    stage: Stage, tmp_path: Path
) -> None:
    stage.play = lambda order: {"c4": HISTORY}["bug"] if order.name == "c4" else HISTORY
    code, _, report = await prove(tmp_path, None)
    assert code == 2
    assert len(report["cells"]) == len(FAULTS) * SEEDS
    [reason] = report["reasons"]
    assert reason == "kill ingress, seed 8: void: a bug in the harness: KeyError('bug')"


async def test_a_fault_that_this_machine_does_not_allow_is_named_in_a_pass(
    stage: Stage, tmp_path: Path
) -> None:
    absent = replace(HISTORY, strikes=[Strike("kill ingress", NOT_RUN, 1, 1, "needs root")])
    stage.play = lambda order: absent if order.name == "c4" else HISTORY
    code, printed, report = await prove(tmp_path, None)
    assert (code, report["verdict"]) == (0, "passed")
    assert report["cells"][4]["verdict"] == "not run"
    assert report["reasons"] == ["kill ingress, seed 8: not run: needs root"]
    assert "kill ingress, seed 8: not run: needs root" in printed
    assert len(stage.stacks) == 1


async def test_a_cell_whose_fault_struck_while_nobody_sent_says_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    late = replace(HISTORY, strikes=[Strike("kill ingress", "ingress-1", 1e6, 1e6 + 1)])
    stage.play = lambda order: late if order.name in {"c4", "c4r"} else HISTORY
    code, _, report = await prove(tmp_path, None)
    assert code == 2
    [reason] = report["reasons"]
    assert reason.endswith("void: kill ingress struck ingress-1 while nobody sent")


async def test_in_a_long_run_strikes_without_load_are_counted(stage: Stage, tmp_path: Path) -> None:
    late = Strike("kill ingress", "ingress-1", 1e6, 1e6 + 1)
    stage.play = lambda _: replace(HISTORY, strikes=[*HISTORY.strikes, late])
    _, _, report = await prove(tmp_path)
    assert report["counts"]["struck without load"] == 1


def stopped_at(name: str, play: Play) -> Play:
    def stops(order: Order) -> History:
        if order.name == name:
            raise asyncio.CancelledError
        return play(order)

    return stops


async def test_what_was_played_is_in_the_report_though_the_rest_is_not(
    stage: Stage, tmp_path: Path
) -> None:
    stage.play = stopped_at("c4", lambda _: HISTORY)
    with pytest.raises(asyncio.CancelledError):
        await prove(tmp_path, None)
    report = orjson.loads((tmp_path / "report.json").read_bytes())
    assert (report["verdict"], len(report["cells"])) == ("void", 4)
    missing = len(FAULTS) * SEEDS - 4
    assert report["reasons"][0].startswith(f"{missing} of {missing + 4} cells are missing")
    assert stage.running == 0


async def test_a_matrix_that_was_stopped_goes_on_where_it_was(stage: Stage, tmp_path: Path) -> None:
    def play(order: Order) -> History:
        if order.name in {"c1", "c1r"}:
            raise FaultFailed("nothing was hit")
        return LOSSY if order.name == "c2" else HISTORY

    stage.play = stopped_at("c4", play)
    with pytest.raises(asyncio.CancelledError):
        await prove(tmp_path, None)
    before = orjson.loads((tmp_path / "report.json").read_bytes())
    stage.play, stage.orders = lambda _: HISTORY, []
    code, _, report = await prove(tmp_path, None, resume=True)
    assert (code, report["verdict"]) == (1, "failed")
    again = [order.name for order in stage.orders]
    assert again == ["c1", *(f"c{number}" for number in range(4, len(FAULTS) * SEEDS))]
    assert len(report["cells"]) == len(FAULTS) * SEEDS
    kept = [cell for cell in before["cells"] if cell["verdict"] != "void"]
    assert report["cells"][: len(kept)] == kept
    assert report["began"] == before["began"]
    assert report["seconds"] > before["seconds"]


async def test_a_matrix_that_is_stopped_again_keeps_what_it_had(
    stage: Stage, tmp_path: Path
) -> None:
    for name in ("c4", "c4"):
        stage.play = stopped_at(name, lambda _: HISTORY)
        with pytest.raises(asyncio.CancelledError):
            await prove(tmp_path, None, resume=(tmp_path / "report.json").exists())
    assert len(orjson.loads((tmp_path / "report.json").read_bytes())["cells"]) == 4


async def test_a_bug_in_the_harness_leaves_a_report_that_proves_nothing(
    stage: Stage, tmp_path: Path
) -> None:
    stage.play = failing(KeyError("bug"))
    code, printed, report = await prove(tmp_path)
    assert (code, report["verdict"]) == (2, "void")
    assert report["reasons"] == ["a bug in the harness: KeyError('bug')"]
    assert "Traceback" in printed
