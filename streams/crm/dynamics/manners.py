"""How Dataverse asks for restraint: by the answer, or by one within the answer to a batch. Pure.

A limit may be reached in the middle of a batch; what comes then is refused one by one, while the
batch itself is a 200.
https://learn.microsoft.com/power-apps/developer/data-platform/api-limits
"""

from collections.abc import Sequence
from datetime import datetime

from streams.crm import call
from streams.crm.answer import Answer
from streams.crm.dynamics import batch

_SIGNS = (b"HTTP/1.1 429", b"HTTP/1.1 503")


def overtaxed(answer: Answer) -> bool:
    """Say whether Dataverse is asked too much."""
    return any(map(call.overtaxed, _told(answer)))


def wish(answer: Answer, now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for, if any: the most of several."""
    wishes = (call.wish(one, now) for one in _told(answer))
    return max((seconds for seconds in wishes if seconds is not None), default=None)


MANNERS = call.Manners(overtaxed=overtaxed, wish=wish)


def _told(answer: Answer) -> Sequence[Answer]:
    # Nearly all batches are well: they are not read a second time for this.
    if not any(sign in answer.body for sign in _SIGNS):
        return [answer]
    try:
        return [answer, *filter(call.overtaxed, batch.read(answer))]
    except batch.Unreadable:
        return [answer]
