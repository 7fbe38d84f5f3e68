"""`geophone prove` on the command line: what it refuses, what it asks for, how it ends."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from ops import cli
from ops.prove import command, run
from ops.prove.canary.plan import CanaryPlan
from ops.prove.faults import FAULTS
from ops.prove.profiles import PROFILES
from ops.prove.report import to_json
from ops.state import StateInUse

URL = ("--url", "http://127.0.0.1:9/webhook")


def prove(*arguments: str, columns: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(columns)}).invoke(
        cli.app, ["prove", *arguments], prog_name="geophone"
    )


def one_line(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may touch the developer's folder, or know the developer's secrets."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("GEOPHONE_"):
            monkeypatch.delenv(name)


Work = Callable[[], Coroutine[Any, Any, int]]


@pytest.fixture(autouse=True)
def wishes(monkeypatch: pytest.MonkeyPatch) -> list[run.Wish]:
    """What would have been run: no test may start a stack, even if nothing refuses it any more."""
    wished: list[run.Wish] = []

    async def note(wish: run.Wish, _: Console) -> int:
        wished.append(wish)
        return 0

    monkeypatch.setattr(run, "prove", note)
    return wished


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[CanaryPlan]:
    """What the canary would have sent."""
    planned: list[CanaryPlan] = []

    async def note(plan: CanaryPlan, _: Console) -> int:
        planned.append(plan)
        return 1

    monkeypatch.setattr(command, "run_canary", note)
    return planned


def ending(monkeypatch: pytest.MonkeyPatch, work: Work) -> Result:
    monkeypatch.setattr(run, "prove", lambda *_: work())
    return prove()


def test_the_help_has_the_two_proofs_apart_and_fits_80_columns() -> None:
    shown = prove("--help")
    assert shown.exit_code == 0
    assert max(map(len, shown.stdout.splitlines())) <= 80
    both, local, canary = shown.stdout.split("╭─ ")[1:]
    assert "--events" in both
    assert local.startswith("On this machine, with faults")
    assert all(option in local for option in ("--profile", "--kills", "--minutes", "--seed"))
    assert canary.startswith("Against an installation, without")
    assert all(option in canary for option in ("--url", "--kafka", "--secret-file", "--rate"))
    assert "0: proven. 1: not. 2: the run itself failed" in one_line(shown.stdout)


def test_an_unknown_profile_is_refused_with_those_there_are() -> None:
    refused = prove("--profile", "huge")
    assert refused.exit_code == 2
    said = one_line(refused.output)
    assert all(name in said for name in ("'huge'", "quick", "ci", "soak", "matrix"))


def test_an_unknown_fault_is_refused_with_all_there_are() -> None:
    refused = prove("--faults", "pause broker, flood", columns=20_000)
    assert refused.exit_code == 2
    said = one_line(refused.output)
    assert "no fault 'flood'; there are: " in said
    listed = said.split("there are: ")[1].split(" ╰")[0]
    assert listed.split(", ") == list(FAULTS)


def test_more_kills_than_fit_are_one_sentence() -> None:
    refused = prove("--kills", "1000")
    assert refused.exit_code == 2
    assert refused.output == (
        "geophone: 1004 faults do not fit into 100 s: give it --minutes 33.5 or more, "
        "or fewer --kills\n"
    )


@pytest.mark.parametrize(
    ("option", "given"),
    [
        ("--kafka", ["--kafka", "localhost:9092"]),
        ("--secret-file", ["--secret-file", "secret"]),
        ("--prefix", ["--prefix", "seismic."]),
        ("--json", ["--json"]),
    ],
)
def test_what_is_for_an_installation_needs_its_url(option: str, given: list[str]) -> None:
    refused = prove(*given)
    assert refused.exit_code == 2
    assert f"{option}: is for an installation: name its request URL" in one_line(refused.output)


@pytest.mark.parametrize(
    ("option", "value"), [("--kills", "0"), ("--minutes", "1"), ("--faults", ""), ("--seed", "0")]
)
def test_an_installation_is_spared_the_faults(option: str, value: str) -> None:
    refused = prove(*URL, option, value)
    assert refused.exit_code == 2
    assert f"{option}: is for a run on this machine" in one_line(refused.output)


def test_the_size_of_the_matrix_is_its_own() -> None:
    refused = prove("--profile", "matrix", "--kills", "3")
    assert refused.exit_code == 2
    assert "--kills: is for one run" in one_line(refused.output)


def test_without_a_secret_an_installation_cannot_be_judged() -> None:
    refused = prove(*URL)
    assert refused.exit_code == 2
    [sentence] = refused.output.splitlines()
    assert sentence.startswith("geophone: no secret to sign with: give --secret-file")


def test_what_is_no_url_cannot_be_judged() -> None:
    refused = prove("--url", "localhost", "--secret-file", str(_secret()))
    assert refused.exit_code == 2
    assert refused.output.startswith("geophone: localhost is no URL")


def _secret() -> Path:
    file = Path("secret")
    file.write_text("of the installation\n")
    return file


def test_the_canary_gets_what_was_asked_for(plans: list[CanaryPlan]) -> None:
    options = ["--kafka", "k:9092", "--secret-file", str(_secret()), "--prefix", "p."]
    more = ["--events", "7", "--rate", "2", "--patience", "9", "--tenant", "t", "--json"]
    assert prove(*URL, *options, *more).exit_code == 1
    [plan] = plans
    assert (plan.url, plan.kafka.bootstrap_servers, plan.prefix) == (URL[1], "k:9092", "p.")
    assert (plan.events, plan.rate, plan.patience_seconds) == (7, 2, 9)
    assert (plan.tenant, plan.as_json) == ("t", True)


def test_a_run_gets_what_was_asked_for(wishes: list[run.Wish]) -> None:
    asked = ["--events", "7", "--kills", "3", "--minutes", "0.5", "--faults", " pause broker ,"]
    ended = prove("--profile", "ci", *asked, "--seed", "0", "--state-dir", "here")
    assert ended.exit_code == 0
    [wish] = wishes
    assert (wish.seed, wish.folder) == (0, Path("here"))
    assert wish.profile == PROFILES["ci"].changed(7, 3, 0.5, ["pause broker"])


def test_a_run_without_wishes_is_quick_and_the_matrix_has_no_profile(
    wishes: list[run.Wish],
) -> None:
    prove()
    prove("--profile", "matrix")
    assert [wish.profile for wish in wishes] == [PROFILES["quick"], None]
    assert wishes[0].folder == Path(".geophone/prove")


def test_the_command_to_repeat_it_names_the_seed_that_was_thrown(
    wishes: list[run.Wish], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = ["prove", "--faults", "pause broker", "--minutes", "1"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/geophone", *typed])
    prove(*typed[1:])
    [wish] = wishes
    said = ["geophone", *typed, "--seed", str(wish.seed)]
    assert shlex.split(wish.command) == said

    monkeypatch.setattr(sys, "argv", said)
    prove(*said[2:])
    assert wishes[1] == wish


def test_another_run_has_another_seed(wishes: list[run.Wish]) -> None:
    for _ in range(4):
        prove()
    assert len({wish.seed for wish in wishes}) > 1


@pytest.mark.parametrize("code", [0, 1, 2])
def test_the_code_of_the_run_is_that_of_the_command(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    async def done() -> int:
        return code

    assert ending(monkeypatch, done).exit_code == code


@pytest.mark.parametrize(
    "error", [StateInUse("the folder is another's"), PermissionError("the folder is another's")]
)
def test_what_a_user_can_mend_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def refuse() -> int:
        raise error

    ended = ending(monkeypatch, refuse)
    assert (ended.exit_code, ended.output) == (2, "geophone: the folder is another's\n")


def test_a_bug_of_the_harness_is_shown_and_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stumble() -> int:
        raise KeyError("a bug")

    ended = ending(monkeypatch, stumble)
    assert ended.exit_code == 2
    assert "KeyError: 'a bug'" in ended.output
    assert "geophone: a bug in the harness" in ended.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_told_to_stop_it_stops_what_it_started_and_says_so(
    monkeypatch: pytest.MonkeyPatch, number: signal.Signals, code: int
) -> None:
    stopped: list[bool] = []

    async def run_on() -> int:
        os.kill(os.getpid(), number)
        try:
            await asyncio.sleep(60)
        finally:
            stopped.append(True)
        return 0

    ended = ending(monkeypatch, run_on)
    assert ended.exit_code == code
    assert stopped
    assert ended.output.startswith("geophone: ")
    assert "nothing is proven, nothing left running" in ended.output
    assert "Traceback" not in ended.output


def test_only_a_matrix_can_be_resumed() -> None:
    refused = prove("--profile", "soak", "--resume")
    assert refused.exit_code == 2
    assert "is for --profile matrix" in one_line(refused.output)


def test_a_resumed_matrix_has_its_seed_already() -> None:
    refused = prove("--profile", "matrix", "--resume", "--seed", "3")
    assert refused.exit_code == 2
    assert "begun with" in one_line(refused.output)


def test_without_a_report_there_is_nothing_to_resume(wishes: list[run.Wish]) -> None:
    refused = prove("--profile", "matrix", "--resume")
    assert refused.exit_code == 2
    assert "begin one without --resume" in one_line(refused.output)
    assert not wishes


def test_a_resumed_matrix_is_the_one_of_the_folder(wishes: list[run.Wish], tmp_path: Path) -> None:
    report = run._blank(run.Wish(None, 7, tmp_path, "geophone prove --profile matrix --seed 7"))
    (tmp_path / "report.json").write_bytes(to_json(report))
    resumed = prove("--profile", "matrix", "--resume", "--state-dir", str(tmp_path))
    assert resumed.exit_code == 0
    [wish] = wishes
    assert replace(wish, earlier=None) == run.Wish(None, 7, tmp_path, report.command)
    assert wish.earlier
    assert to_json(wish.earlier) == to_json(report)
