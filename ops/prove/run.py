"""`geophone prove` on this machine: a stack, a round on it or a matrix of them, and the report."""

import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.errors import KafkaError
from confluent_kafka import KafkaException
from rich.console import Console

from ops.child import ChildFailed
from ops.kafka.errors import LocalKafkaError
from ops.prove import ledger
from ops.prove.account import account, cell
from ops.prove.faults import FAULTS, FaultFailed, Site
from ops.prove.findings import Cell, Report, Verdict
from ops.prove.made_with import environment, versions
from ops.prove.page import page
from ops.prove.process import HarnessFailed
from ops.prove.profiles import Profile, alone, cells
from ops.prove.progress import Display
from ops.prove.readers import journal
from ops.prove.report import exit_code, summary, to_json
from ops.prove.round import Order, play
from ops.prove.telling import Telling
from ops.prove.verdict import judge_cells
from ops.stack import Choice, Stack, StackFailed
from ops.state import State

BROKERS, INGRESSES, WORKERS = 3, 2, 2
MAKES_VOID = (
    ChildFailed,
    FaultFailed,
    HarnessFailed,
    KafkaError,
    KafkaException,
    LocalKafkaError,
    OSError,  # a time-out, too
    StackFailed,
    journal.Truncated,
    ledger.Truncated,
)
"""What ends a run without a word about geophone."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants; `profile` None is the matrix. `folder` is emptied at the start."""

    profile: Profile | None
    seed: int
    folder: Path
    command: str


async def prove(wish: Wish, console: Console) -> int:
    """Run it, write report.json and report.html, print the summary; return the exit code.

    Raises:
        StateInUse: the folder is another's.
    """
    with _emptied(wish.folder):
        with Display(console) as display:
            report = await _report(wish, Telling(display))
        written = wish.folder / "report.json", wish.folder / "report.html"
        for file, content in zip(written, (to_json, page), strict=True):
            file.write_bytes(content(report))
    console.print(summary(report, written))
    return exit_code(report.verdict)


@contextmanager
def _emptied(folder: Path) -> Iterator[None]:
    """Keep other runs out of it, which would begin with deleting what this one writes."""
    state = State(folder)
    state.forget()
    try:
        yield
    finally:
        state.release()


async def _report(wish: Wish, telling: Telling) -> Report:
    began = time.monotonic()
    blank = Report(
        Verdict.VOID,
        reasons=(),
        command=wish.command,
        profile=wish.profile.name if wish.profile else "matrix",
        seed=wish.seed,
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        seconds=0.0,
        versions=versions(),
        counts={},
        environment=environment(),
    )
    try:
        filled = await _filled(wish, blank, telling)
    except MAKES_VOID as error:
        filled = replace(blank, reasons=(_words(error),))
    return replace(filled, seconds=time.monotonic() - began)


async def _filled(wish: Wish, blank: Report, telling: Telling) -> Report:
    if wish.profile is None:
        return await _matrix(wish, blank, telling)
    wired = any(FAULTS[name].wired for name in wish.profile.faults)
    async with _site(wish.folder / "stack", telling, wired=wired) as site:
        order = Order("run", wish.seed, wish.profile, wish.folder / "run")
        played = await play(site, order, telling)
    telling.say("balancing the books …")
    return account(blank, played)


async def _matrix(wish: Wish, blank: Report, telling: Telling) -> Report:
    """Play every fault alone, under several seeds, one after the other on one stack.

    A cell that says nothing may leave a stack that is not well: the next one gets a new one.
    """
    waiting, done = deque(_orders(wish)), list[Cell]()
    while waiting:
        try:
            async with _site(wish.folder / f"stack-{len(done)}", telling, wired=True) as site:
                while waiting:
                    done.append(await _cell(site, waiting[0], blank, telling))
                    waiting.popleft()
        except MAKES_VOID as error:
            if waiting:
                done.append(_void(waiting.popleft(), error))
    verdict, reasons = judge_cells(done)
    return replace(blank, verdict=verdict, reasons=reasons, cells=done)


def _orders(wish: Wish) -> Iterator[Order]:
    for number, (fault, seed) in enumerate(cells(FAULTS, wish.seed)):
        profile = alone(fault, FAULTS[fault].seconds, FAULTS[fault].rate)
        yield Order(f"c{number}", seed, profile, wish.folder / f"cell-{number}")


def _void(order: Order, error: Exception) -> Cell:
    return Cell(order.profile.name, order.seed, Verdict.VOID, (_words(error),), (), {})


def _words(error: Exception) -> str:
    return str(error) or repr(error)


async def _cell(site: Site, order: Order, blank: Report, telling: Telling) -> Cell:
    played = await play(site, order, telling)
    return cell(order.profile.name, order.seed, blank, played)


@asynccontextmanager
async def _site(folder: Path, telling: Telling, *, wired: bool) -> AsyncIterator[Site]:
    choice = Choice(
        folder,
        port=0,
        brokers=BROKERS,
        ingresses=INGRESSES,
        workers=WORKERS,
        revive=False,
        proxied=wired,
    )
    stack = Stack(choice, telling.say)
    await stack.start()
    try:
        yield Site(stack)
    finally:
        telling.say("stopping …")
        await stack.stop()
