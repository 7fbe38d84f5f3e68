"""Plays Seismic for the canary: one delivery at a time, tried again as Seismic would."""

import asyncio
import time
from collections.abc import Callable, Sequence

from aiohttp import ClientSession

from ops.prove.canary.plan import CanaryPlan, CannotJudge, Prepared, deliveries
from ops.prove.history import Attempt
from ops.sender import Delivery, deliver, post, signed

_COME_AGAIN = (408, 429)
"""The only refusals beside 5xx that say something about the moment, not about the request."""

_ADVICE = {
    401: "it has another secret: give one of its own with --secret-file",
    403: "something in front of it refused: check that address, method and headers may pass",
    404: "it has another path: see its GEOPHONE_WEBHOOK_PATH",
    405: "this is no webhook of geophone's: check --url",
    413: "something refuses bodies of less than 1 KiB: check what is in front of it",
    415: "this is no webhook of geophone's: check --url",
}


class Sending:
    """Sends the events in order; `attempts` grows while it does."""

    def __init__(self, plan: CanaryPlan, prepared: Sequence[Prepared]) -> None:
        self._plan = plan
        self._prepared = prepared
        self.attempts: list[Attempt] = []

    async def send(self, say: Callable[[str], None]) -> None:
        """Deliver everything, or stop at the first delivery that is refused to the end.

        Raises:
            CannotJudge: the answer says that the request went to the wrong place or with the wrong
                secret.
        """
        order = list(deliveries(len(self._prepared)))
        begun = time.monotonic()
        async with ClientSession() as session:
            for position, number in enumerate(order):
                await asyncio.sleep(max(0.0, begun + position / self._plan.rate - time.monotonic()))
                say(f"delivery {position + 1} of {len(order)} …")
                if not await self._deliver(session, self._prepared[number]):
                    return

    async def _deliver(self, session: ClientSession, prepared: Prepared) -> bool:
        async def attempt() -> Delivery:
            return await self._attempt(session, prepared)

        return (await deliver(attempt, self._plan.pauses))[-1].accepted

    async def _attempt(self, session: ClientSession, prepared: Prepared) -> Delivery:
        url, headers = self._plan.url, signed(prepared.body, self._plan.secret)
        started = time.monotonic()
        delivery = await post(session, url, prepared.body, headers)
        ended = time.monotonic()
        where, status = self._plan.where, delivery.status
        self.attempts.append(Attempt(prepared.event.number, where, started, ended, status))
        _check_address(where, status)
        return delivery


def _check_address(where: str, status: int | None) -> None:
    if status is not None and 300 <= status < 500 and status not in _COME_AGAIN:  # noqa: PLR2004
        advice = _ADVICE.get(status, "give the URL that Seismic itself calls with --url")
        raise CannotJudge(f"{where} answered {status}: {advice}")
