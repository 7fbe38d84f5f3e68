"""How long a backlog took to be handled, once the workers were back."""

from collections.abc import Iterable, Iterator, Sequence

from ops.prove.faults import WORKERS_AWAY
from ops.prove.history import Strike
from ops.prove.watch import Sample

BACKLOG = 60_000
"""Raw records that count as one: five minutes at 200 a second."""


def drained(strikes: Iterable[Strike], samples: Sequence[Sample]) -> Iterator[float]:
    """Yield seconds from the workers' return until the lag was 0, for each real backlog.

    One that was not handled counts up to the last sample: it took at least so long.
    """
    known = [(one.at, one.lag) for one in samples if one.lag is not None]
    for strike in strikes:
        if strike.fault != WORKERS_AWAY or strike.healed is None:
            continue
        since = [(at, lag) for at, lag in known if at >= strike.healed]
        if max((lag for _, lag in since), default=0) >= BACKLOG:
            yield next((at for at, lag in since if lag == 0), since[-1][0]) - strike.healed
