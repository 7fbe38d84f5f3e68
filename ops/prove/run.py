"""`geophone prove` on this machine: a stack, a round on it or a matrix of them, and the report."""

import time
import traceback
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from ops.prove import cells
from ops.prove.account import account, cell
from ops.prove.cells import MAKES_VOID, Bench, words
from ops.prove.faults import FAULTS, Site
from ops.prove.findings import Cell, Report, Verdict
from ops.prove.made_with import environment, versions
from ops.prove.page import page
from ops.prove.profiles import Profile, alone
from ops.prove.profiles import cells as cells_of
from ops.prove.progress import Display
from ops.prove.report import exit_code, summary, to_json
from ops.prove.round import Order, play
from ops.prove.struck import judged
from ops.prove.telling import Telling
from ops.prove.verdict import judge_cells
from ops.stack import Choice, Stack
from ops.state import State

BROKERS, INGRESSES, WORKERS = 3, 2, 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user wants; `profile` None is the matrix. `folder` is emptied at the start.

    `earlier` is the report of a matrix to go on with.
    """

    profile: Profile | None
    seed: int
    folder: Path
    command: str
    earlier: Report | None = None


async def prove(wish: Wish, console: Console) -> int:
    """Run it, write report.json and report.html, print the summary; return the exit code.

    Raises:
        StateInUse: the folder is another's.
    """
    with _emptied(wish.folder):
        with Display(console) as display:
            report = await _report(wish, Telling(display))
        written = _write(wish.folder, report)
    console.print(summary(report, written))
    return exit_code(report.verdict)


def _write(folder: Path, report: Report) -> Sequence[Path]:
    written = folder / "report.json", folder / "report.html"
    for file, content in zip(written, (to_json, page), strict=True):
        file.write_bytes(content(report))
    return written


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
    began, blank = time.monotonic(), wish.earlier or _blank(wish)
    try:
        filled = await _filled(wish, blank, telling)
    except MAKES_VOID as error:
        filled = replace(blank, reasons=(words(error),))
    except Exception as error:  # noqa: BLE001 - after hours of a run, its report has to say so
        telling.say(traceback.format_exc())
        filled = replace(blank, reasons=(f"a bug in the harness: {error!r}",))
    return replace(filled, seconds=blank.seconds + time.monotonic() - began)


def _blank(wish: Wish) -> Report:
    return Report(
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
    """Play every fault alone, under several seeds; the report is written after each."""
    began, done = time.monotonic(), list(blank.cells)
    orders = list(_orders(wish))
    played_before = {(one.fault, one.seed) for one in done}
    left = [one for one in orders if (one.profile.name, one.seed) not in played_before]

    def write() -> None:
        seconds = blank.seconds + time.monotonic() - began
        _write(wish.folder, replace(_judged(blank, done, len(orders)), seconds=seconds))

    async def play_cell(site: Site, order: Order) -> Cell:
        played = await play(site, order, telling)
        found = cell(order.profile.name, order.seed, blank, played)
        return judged(found, played.history.strikes, played.history.attempts)

    def open_site(number: int) -> AbstractAsyncContextManager[Site]:
        return _site(wish.folder / f"stack-{number}", telling, wired=True)

    write()  # the folder has just been emptied of what was there to go on with
    async with Bench(open_site, telling.say) as bench:
        async for one in cells.played(left, bench, play_cell):
            done.append(one)
            write()
    return _judged(blank, done, len(orders))


def _judged(blank: Report, done: Sequence[Cell], planned: int) -> Report:
    """Return the report on a matrix, which can be no pass before every cell was played."""
    verdict, reasons = judge_cells(done)
    if missing := planned - len(done):
        verdict = Verdict.FAILED if verdict is Verdict.FAILED else Verdict.VOID
        reasons = (f"{missing} of {planned} cells are missing; --resume plays them", *reasons)
    return replace(blank, verdict=verdict, reasons=reasons, cells=list(done))


def _orders(wish: Wish) -> Iterator[Order]:
    for number, (fault, seed) in enumerate(cells_of(FAULTS, wish.seed)):
        profile = alone(fault, FAULTS[fault].seconds, FAULTS[fault].rate)
        yield Order(f"c{number}", seed, profile, wish.folder / f"cell-{number}")


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
