"""Load and faults side by side: which error of theirs ends a round."""

import asyncio
from typing import cast

import pytest

from ops.prove import round as rounds
from ops.prove import schedule
from ops.prove.cast import Cast
from ops.prove.faults import FaultFailed, Site
from ops.prove.process import HarnessFailed
from ops.prove.progress import Display
from ops.prove.telling import Telling

NOWHERE = cast("Site", None)
NOBODY = Telling(cast("Display", None))


class Sender:
    """A sender that goes on until it is called off, and then breaks."""

    def __init__(self) -> None:
        self.sending = asyncio.Event()

    async def send(self, _: Telling) -> None:
        self.sending.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise HarnessFailed("its pipe broke")


async def test_called_off_it_is_called_off_whatever_breaks_then() -> None:
    sender = Sender()
    work = asyncio.create_task(rounds._beside(cast("Cast", sender), [], NOWHERE, NOBODY))
    await asyncio.wait_for(sender.sending.wait(), 20)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(work, 20)


async def test_the_first_error_ends_it_and_not_what_broke_thereafter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def carry_out(*_: object) -> None:
        raise FaultFailed("nothing was hit")

    monkeypatch.setattr(schedule, "carry_out", carry_out)
    with pytest.raises(FaultFailed, match="nothing was hit"):
        await rounds._beside(cast("Cast", Sender()), [], NOWHERE, NOBODY)
