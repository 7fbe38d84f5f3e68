"""`geophone send`: deliver events at a chosen rate, each several times, with retries."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from aiohttp import ClientSession, TCPConnector
from rich.console import Console
from rich.text import Text

from ops import samples
from ops.sender import RETRY_SECONDS, Delivery, deliver, post, signed
from ops.show import printable
from ops.target import Target
from schemas import catalogue
from schemas.catalogue import CATALOGUE

_SHOWN = 20
"""So many events are shown one by one; the summary counts all."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to deliver, in order, at how many deliveries per second."""

    bodies: list[bytes]
    rate: float
    pauses: tuple[float, ...]

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - one for each option of the command
        cls,
        event_type: str,
        tenant: str,
        times: int,
        count: int,
        rate: float,
        retries: int,
        body: Path | None,
    ) -> "Plan":
        """Make up `count` events (or read one from `body`), each to be delivered `times` times.

        Raises:
            ValueError: the catalogue has no such type, or the options contradict each other.
        """
        row = catalogue.lookup(event_type)
        if row is None:
            known = ", ".join(row.name for row in CATALOGUE)
            raise ValueError(f"no event type {event_type!r}; there are: {known}")
        if body and count > 1:
            raise ValueError("--body is one event: deliver it again with --times, not --count")
        events = [body.read_bytes()] if body else [samples.event(row, tenant) for _ in range(count)]
        return cls([event for event in events for _ in range(times)], rate, RETRY_SECONDS[:retries])


async def run(plan: Plan, target: Target, console: Console) -> bool:
    """Deliver everything; return whether every delivery was accepted in the end."""
    tasks = []
    begun = asyncio.get_running_loop().time()
    # Deliveries must not wait for each other: the rate is what was asked for, not what we can take.
    connector = TCPConnector(limit=0)
    async with ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for number, body in enumerate(plan.bodies):
            await _until(begun + number / plan.rate)
            attempt = partial(post, session, target.url, body, signed(body, target.secret))
            tasks.append(group.create_task(_one(number + 1, attempt, plan, console)))
    histories = [task.result() for task in tasks]
    _summarise(histories, console)
    return all(history[-1].accepted for history in histories)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - asyncio.get_running_loop().time()))


async def _one(
    number: int, attempt: Callable[[], Awaitable[Delivery]], plan: Plan, console: Console
) -> list[Delivery]:
    pauses = iter(plan.pauses)

    async def shown() -> Delivery:
        delivery = await attempt()
        pause = None if delivery.accepted else next(pauses, None)
        if number <= _SHOWN:
            console.print(_line(number, delivery, pause), soft_wrap=True)
        elif number == _SHOWN + 1:
            console.print("      … the others are counted only", style="dim")
        return delivery

    return await deliver(shown, plan.pauses)


def _line(number: int, delivery: Delivery, pause: float | None) -> Text:
    again = f"  again in {pause:g} s" if pause is not None else ""
    style = "green" if delivery.accepted else "red"
    return Text.assemble(
        f"{number:>4}  {delivery.milliseconds:7.1f} ms  ", (answer(delivery), style), again
    )


def answer(delivery: Delivery) -> str:
    """Return an answer as a word to show: its status, or that there was none."""
    if delivery.status is None:
        return "no answer"
    return f"{delivery.status} {printable(delivery.body[:80])}".strip()


def _summarise(histories: list[list[Delivery]], console: Console) -> None:
    attempts = [delivery for history in histories for delivery in history]
    statuses = Counter("no answer" if one.status is None else str(one.status) for one in attempts)
    shares = ", ".join(f"{count} x {status}" for status, count in statuses.most_common())
    times = sorted(one.milliseconds for one in attempts)
    console.print(
        f"{len(attempts)} requests: {shares}; {median(times):.1f} ms (median), "
        f"{times[-1]:.1f} ms (slowest)",
        highlight=False,
    )
    if refused := [history[-1] for history in histories if not history[-1].accepted]:
        console.print(
            f"[red]{len(refused)} of {len(histories)} deliveries were not accepted[/red]"
            f"{_advice(refused)}",
            highlight=False,
        )


def _advice(refused: list[Delivery]) -> str:
    for status, advice in _ADVICE.items():
        if any(delivery.status == status for delivery in refused):
            return f": {advice}"
    return ""


_ADVICE = {
    None: "nobody answered at this URL in time; is the ingress running?",
    401: "the receiver has another secret; give its own with --secret-file",
    404: "the receiver has another path; see its GEOPHONE_WEBHOOK_PATH",
    413: "the body is larger than the receiver's GEOPHONE_MAX_BODY_BYTES",
    503: "the receiver could not store them; its log says why",
}
