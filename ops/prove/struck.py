"""Which strikes hit anything: one that was not run, or beside which nobody sent, shows nothing."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from ops.prove.findings import Cell, Verdict
from ops.prove.history import Attempt, Strike
from ops.prove.schedule import NOT_RUN


def without_load(strikes: Sequence[Strike], attempts: Sequence[Attempt]) -> list[Strike]:
    """Return the strikes during which no attempt was under way, from the blow to the healing."""
    by_start = sorted(attempts, key=lambda attempt: attempt.started)
    started = [attempt.started for attempt in by_start]
    ended = list(accumulate((attempt.ended for attempt in by_start), max))

    def met_nobody(strike: Strike) -> bool:
        before = bisect_left(started, strike.at)
        still_under_way = before > 0 and ended[before - 1] >= strike.at
        healed = math.inf if strike.healed is None else strike.healed
        begun = before < len(started) and started[before] <= healed
        return not still_under_way and not begun

    return [strike for strike in strikes if strike.target != NOT_RUN and met_nobody(strike)]


def judged(cell: Cell, strikes: Sequence[Strike], attempts: Sequence[Attempt]) -> Cell:
    """Return a cell that passed only if its fault was there to be passed."""
    if cell.verdict is not Verdict.PASSED:
        return cell
    if absent := tuple(strike.note for strike in strikes if strike.target == NOT_RUN):
        return replace(cell, verdict=Verdict.NOT_RUN, reasons=absent)
    if idle := tuple(
        f"{strike.fault} struck {strike.target} while nobody sent"
        for strike in without_load(strikes, attempts)
    ):
        return replace(cell, verdict=Verdict.VOID, reasons=idle)
    return cell
