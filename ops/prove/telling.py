"""Tells whoever waits how a run stands, from what its parts report."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ops.prove.history import Strike
from ops.prove.profiles import Profile
from ops.prove.progress import Display, Now
from ops.prove.watch import Sample

_NEWS_SECONDS = 6.0
"""How long a fault is shown after it is over."""


@dataclass
class Telling:
    """How a round stands; each part tells its own."""

    display: Display
    profile: Profile | None = None
    strikes_planned: int = 0
    strikes: int = 0
    samples: Sequence[Sample] = ()
    _began: float = field(default_factory=time.monotonic)
    _line: Mapping[str, Any] = field(default_factory=dict)
    _last: Strike | None = None

    def say(self, text: str) -> None:
        """Say what happens now, where there is nothing to count."""
        self.display.say(text)

    def begin(self, profile: Profile, strikes_planned: int, samples: Sequence[Sample]) -> None:
        """A round begins; `samples` will grow."""
        self.profile, self.strikes_planned, self.samples = profile, strikes_planned, samples
        self.strikes, self._line, self._last = 0, {}, None
        self._began = time.monotonic()

    def struck(self, strike: Strike) -> None:
        """A fault was injected, and healed."""
        self.strikes += 1
        self._last = strike
        if self._line:  # after the sender's last one, too: faults go on while the rest is retried
            self.display.show(self._now())

    def sent(self, line: Mapping[str, Any]) -> None:
        """Take a line of the sender's, and show how all of it stands."""
        self._line = line
        self.display.show(self._now())

    def _now(self) -> Now:
        said, profile = self._line, self.profile
        elapsed = time.monotonic() - self._began
        return Now(
            elapsed=elapsed,
            remaining=max(0.0, profile.seconds - elapsed) if profile else None,
            sent=said["sent"],
            events=profile.events if profile else 0,
            ok=said["ok"],
            fail=said["fail"],
            unknown=said["unknown"],
            kills=self.strikes,
            kills_planned=self.strikes_planned,
            fault=self._fault(),
            p99=said["p99"],
            lag=self.samples[-1].lag if self.samples else None,
        )

    def _fault(self) -> str:
        last = self._last
        if last is None or time.monotonic() - (last.healed or last.at) > _NEWS_SECONDS:
            return ""
        return f"{last.fault}: {last.target}"
