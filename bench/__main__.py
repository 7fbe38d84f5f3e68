"""The command behind `make bench`."""

import asyncio
import subprocess
import tempfile
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bench import figures, kafka_streams, report, tools
from bench.ingress import Bench, Run
from bench.ledger import Void
from bench.loadgen import Loadgen
from bench.restore import RestoreBench, Restored
from bench.streams import WORKERS, Done, StreamsBench, Worker, jvm_worker
from bench.variants import APPLICATION, FLOOR, PRODUCT, SECRET, USER, Variant, gobar
from ops.kafka.errors import LocalKafkaError

console = Console()
DOCUMENT = Path("docs/benchmarks.md")
EX_VOID, EX_CONFIG = 2, 78


app = typer.Typer(no_args_is_help=False, add_completion=False)

Rounds = Annotated[int, typer.Option(min=1, help="How often each is run; medians are told.")]
Seconds = Annotated[float, typer.Option(min=0.5, help="How long each run is measured.")]
Marks = Annotated[int, typer.Option(min=1000, help="How many marks are restored.")]
Records = Annotated[int, typer.Option(min=1000, help="How long the streams' backlog is.")]


@app.callback(invoke_without_command=True)
def both(
    context: typer.Context,
    rounds: Rounds = 5,
    seconds: Seconds = 5.0,
    records: Records = 60_000,
    marks: Marks = 10_000_000,
) -> None:
    """Measure geophone beside what else one could run, side by side, and write docs/benchmarks.md.

    What is measured has a core of its own; the broker and what makes the load share the others.
    Every run has topics of its own, and its books have to balance: what was answered 2xx is in the
    topic, what was in the backlog is in the output once. Else it is void: exit code 2.

    Takes about half an hour. `ingress`, `streams` and `restore` measure one of them and write
    nothing.
    """
    if context.invoked_subcommand:
        return
    rows = figures.rows(_told(_ingress, rounds, seconds), PRODUCT)
    runs = _told(_streams, rounds, records)
    restores = _told(_restore, marks)
    _show(report.table(rows), report.streams_table(runs), report.restore_table(restores))
    command = (
        f"make bench ARGS='--rounds {rounds} --seconds {seconds:g} --records {records} "
        f"--marks {marks}'"
    )
    _write(rows, runs, restores, report.conditions(command, rounds, seconds))


@app.command()
def ingress(rounds: Rounds = 5, seconds: Seconds = 5.0) -> None:
    """Measure the ingress alone."""
    _show(report.table(figures.rows(_told(_ingress, rounds, seconds), PRODUCT)))


@app.command()
def streams(rounds: Rounds = 5, records: Records = 60_000) -> None:
    """Measure the dedup stage alone."""
    _show(report.streams_table(_told(_streams, rounds, records)))


@app.command()
def restore(marks: Marks = 10_000_000) -> None:
    """Measure a takeover's restore of the marks alone."""
    _show(report.restore_table(_told(_restore, marks)))


def _told(measure: Callable[..., Coroutine[Any, Any, list[Any]]], *how: float) -> list[Any]:
    with tempfile.TemporaryDirectory(prefix="geophone-bench-") as folder:
        try:
            return asyncio.run(measure(Path(folder), *how))
        except Void as void:
            console.print(f"VOID: {void}", style="red")
            raise typer.Exit(EX_VOID) from None
        except tools.Missing as missing:
            console.print(str(missing), style="red")
            raise typer.Exit(EX_CONFIG) from None


async def _ingress(folder: Path, rounds: int, seconds: float) -> list[Run]:
    console.print("building the load generator …")
    loadgen = Loadgen(tools.build("loadgen", folder), SECRET, seconds)
    variants = [PRODUCT, USER, APPLICATION, FLOOR, *_go(folder)]
    return await Bench(variants, loadgen, rounds, folder, console.print).measure()


async def _streams(folder: Path, rounds: int, records: int) -> list[Done]:
    compared = [*WORKERS, *_java(folder)]
    return await StreamsBench(compared, records, rounds, folder, console.print).measure()


async def _restore(folder: Path, marks: int) -> list[Restored]:
    return await RestoreBench(marks, folder, console.print).measure()


def _show(*tables: Table) -> None:
    for each in tables:
        console.print(each)


def _go(folder: Path) -> list[Variant]:
    try:
        return [gobar(tools.build("gobar", folder))]
    except subprocess.CalledProcessError as error:
        console.print(f"the bar in Go is left out, it could not be built: {error.stderr}")
        return []


def _java(folder: Path) -> list[Worker]:
    try:
        return [jvm_worker(kafka_streams.command(folder, console.print))]
    except LocalKafkaError as error:
        console.print(f"Kafka Streams is left out: {error}")
    except subprocess.CalledProcessError as error:
        console.print(f"Kafka Streams is left out, it could not be built: {error.stderr}")
    return []


def _write(
    rows: Sequence[figures.Row],
    runs: Sequence[Done],
    restores: Sequence[Restored],
    conditions: str,
) -> None:
    DOCUMENT.parent.mkdir(exist_ok=True)
    report.plot(rows, DOCUMENT.with_suffix(".svg"))
    parts = (
        "# Benchmarks",
        conditions,
        "![CPU and answer times](benchmarks.svg)",
        "## The ingress",
        report.markdown(rows),
        "## The streams: deduplicate and split",
        report.streams_markdown(runs),
        "## The marks of a partition that is taken over",
        report.restore_markdown(restores),
    )
    DOCUMENT.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    app()
