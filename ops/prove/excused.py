"""Answers that no receiver could have given in time: the harness had stopped it, or cut its line.

A process that stands still answers when it goes on, and its sender has long hung up. Such answers,
and such silence, are counted apart, not taken for ours.
"""

from collections.abc import Callable, Sequence

from ops.prove.history import Attempt, Strike

# Not of a line that was reset: a sender that loses its connection learns it at once.
_STOPPING = ("pause ingress", "cut client-ingress")


def excused(strikes: Sequence[Strike]) -> Callable[[Attempt], bool]:
    """Return whether an attempt was under way while its ingress, or its line, was stopped."""
    stops = [strike for strike in strikes if strike.fault in _STOPPING]

    def is_excused(attempt: Attempt) -> bool:
        return any(_hits(strike, attempt) for strike in stops)

    return is_excused


def _hits(strike: Strike, attempt: Attempt) -> bool:
    over = strike.healed is not None and strike.healed < attempt.started
    # A link is named for what it leads to: client-ingress-1.
    return attempt.route in strike.target and strike.at <= attempt.ended and not over
