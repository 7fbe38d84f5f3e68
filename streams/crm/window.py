"""How many calls may be under way: additive increase, multiplicative decrease. Pure.

The rule of TCP's congestion avoidance (RFC 5681, 3.1): one more per round of answers, half as many
when the other side is overtaxed, and one cut per round however many complain.
"""


class Window:
    """Counts calls under way; a call's `begin` gives the ticket that its end hands back."""

    def __init__(self, most: int) -> None:
        self.size = float(most)
        self.under_way = 0
        self._most = float(most)
        self._begun = 0
        self._last_before_cut = 0

    @property
    def open(self) -> bool:
        """Whether one more may begin."""
        return self.under_way < max(1, int(self.size))

    def begin(self) -> int:
        """Count a call as begun and return its ticket."""
        self.under_way += 1
        self._begun += 1
        return self._begun

    def end(self, ticket: int, *, overtaxed: bool | None) -> None:
        """Count a call as ended; `overtaxed` is None for one that tells nothing, as a cancelled."""
        self.under_way -= 1
        if overtaxed and ticket > self._last_before_cut:
            self.size = max(1.0, self.size / 2)
            self._last_before_cut = self._begun
        elif overtaxed is False:
            self.size = min(self._most, self.size + 1 / self.size)
