"""`geophone prove`: its options, and which of the two proofs they ask for."""

import random
import shlex
import sys
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from ops.prove.canary.options import plan_of
from ops.prove.canary.plan import TENANT, CanaryPlan, CannotJudge
from ops.prove.canary.run import run as run_canary
from ops.prove.ending import UNJUDGED, end_with, leave
from ops.prove.profiles import PROFILES, WrongSize

if TYPE_CHECKING:
    from ops.prove.findings import Report

MATRIX = "matrix"
_LOCAL, _CANARY = "On this machine, with faults", "Against an installation, without"


class Size(StrEnum):
    """How much of a run; the sizes are in the table of profiles."""

    QUICK = "quick"
    CI = "ci"
    SOAK = "soak"
    MATRIX = MATRIX


def prove(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    profile: Annotated[
        Size,
        typer.Option(
            rich_help_panel=_LOCAL,
            help="quick takes 3 minutes, ci 6, soak about 80; matrix, each fault alone: about 100.",
        ),
    ] = Size.QUICK,
    events: Annotated[int | None, typer.Option(min=1, help="How many events.")] = None,
    kills: Annotated[
        int | None,
        typer.Option(
            min=0,
            rich_help_panel=_LOCAL,
            help="How many kill -9: of ingresses, workers and brokers, 6 to 3 to 1.",
        ),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.05, rich_help_panel=_LOCAL, help="How long events are sent."),
    ] = None,
    faults: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_LOCAL,
            help="Other faults besides, comma separated, e.g. 'zombie worker, pause broker'; "
            "a wrong name lists all.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            min=0,
            rich_help_panel=_LOCAL,
            help="Repeats the load and the schedule of the run that named it.",
        ),
    ] = None,
    state_dir: Annotated[
        Path,
        typer.Option(
            rich_help_panel=_LOCAL,
            help="Folder of the run: report, data, logs; emptied at the start.",
        ),
    ] = Path(".geophone/prove"),
    resume: Annotated[  # noqa: FBT002 - a flag of the command line
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_LOCAL,
            help="Plays the cells that the matrix in this folder has not got yet.",
        ),
    ] = False,
    url: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_CANARY, help="Its request URL: sends it a few signed events."
        ),
    ] = None,
    kafka: Annotated[
        str | None,
        typer.Option(
            rich_help_panel=_CANARY,
            help="HOST:PORT of its Kafka; this and how to log in else from GEOPHONE_KAFKA_… .",
        ),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            rich_help_panel=_CANARY,
            help="File with the signing secret; else as the ingress has it.",
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(rich_help_panel=_CANARY, help="Prefix of its topics.")
    ] = None,
    tenant: Annotated[
        str, typer.Option(rich_help_panel=_CANARY, help="Synthetic tenant of these events.")
    ] = TENANT,
    patience: Annotated[
        float,
        typer.Option(
            min=1, rich_help_panel=_CANARY, help="Seconds until an event has to be readable."
        ),
    ] = 30.0,
    rate: Annotated[
        float, typer.Option(min=0.01, rich_help_panel=_CANARY, help="Deliveries per second.")
    ] = 5.0,
    as_json: Annotated[  # noqa: FBT002 - a flag of the command line
        bool, typer.Option("--json", rich_help_panel=_CANARY, help="Print one JSON object.")
    ] = False,
) -> None:
    """Prove that nothing answered 2xx is lost, nothing comes twice, and the books balance.

    Without --url it runs all of geophone on three brokers, sends events as Seismic does, kills its
    processes meanwhile, reads everything back with two readers, and writes a report (JSON, HTML).
    With --url it follows a few events through an installation, for cron.

    Exit code 0: proven. 1: not. 2: the run itself failed and says nothing.
    """
    console = Console()
    sizes = {"--kills": kills, "--minutes": minutes, "--faults": faults}
    if url:
        local = {**sizes, "--seed": seed, "--resume": resume or None}
        _refuse(local, "is for a run on this machine, so not beside --url")
        changed = {"events": events} if events else {}
        plan = _plan(
            url,
            kafka,
            prefix,
            secret_file,
            tenant=tenant,
            rate=rate,
            patience_seconds=patience,
            as_json=as_json,
            **changed,
        )
        end_with(lambda: run_canary(plan, console))
    _refuse(
        {
            "--kafka": kafka,
            "--secret-file": secret_file,
            "--prefix": prefix,
            "--json": as_json or None,
        },
        "is for an installation: name its request URL with --url, too",
    )
    if profile is Size.MATRIX:
        _refuse({"--events": events, **sizes}, "is for one run, and the matrix is many")
        chosen = None
    else:
        _refuse({"--resume": resume or None}, "is for --profile matrix: one run is all or nothing")
        try:
            chosen = PROFILES[profile].changed(events, kills, minutes, _faults(faults))
        except WrongSize as error:
            leave(str(error), UNJUDGED)
    if resume:
        _refuse({"--seed": seed}, "is the one that the matrix was begun with")
    # What follows loads a Kafka client, a plotting library and more: not for the canary's sake.
    from ops.prove import run  # noqa: PLC0415 - see above

    if resume:
        begun = _begun(state_dir)
        wish = run.Wish(None, begun.seed, state_dir, begun.command, begun)
    else:
        start = random.SystemRandom().randrange(1_000_000) if seed is None else seed
        wish = run.Wish(chosen, start, state_dir, _command(start, seed))
    end_with(lambda: run.prove(wish, console))


def _refuse(given: Mapping[str, object], why: str) -> None:
    for option, value in given.items():
        if value is not None:
            raise typer.BadParameter(why, param_hint=option)


def _plan(*given: Any, **fields: Any) -> CanaryPlan:
    try:
        return plan_of(*given, **fields)
    except CannotJudge as error:
        leave(str(error), UNJUDGED)


def _begun(folder: Path) -> "Report":
    from ops.prove.resume import CannotResume, earlier  # noqa: PLC0415 - as above

    try:
        return earlier(folder)
    except CannotResume as error:
        leave(str(error), UNJUDGED)


def _faults(value: str | None) -> list[str] | None:
    from ops.prove.faults import FAULTS  # noqa: PLC0415 - as above

    if value is None:
        return None
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := [name for name in names if name not in FAULTS]:
        known = ", ".join(FAULTS)
        raise typer.BadParameter(
            f"no fault {unknown[0]!r}; there are: {known}", param_hint="--faults"
        )
    return names


def _command(start: int, given: int | None) -> str:
    """Return what to type to run it again: a seed that was thrown has to be named."""
    seed = [] if given is not None else ["--seed", str(start)]
    return shlex.join(["geophone", *sys.argv[1:], *seed])
