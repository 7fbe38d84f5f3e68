"""What a fake CRM does wrong on request: the first fault that matches a request is played."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Kind = Literal["status", "hang", "slow", "drop", "drop_after_commit", "late", "expire"]


@dataclass(frozen=True)
class Fault:
    """`on`: the operation it befalls; `times`: how often.

    `status` answers with `status`, `headers` and `body` (JSON); `hang` says nothing for `seconds`
    and closes; `slow` waits and does as usual; `drop` closes before anything is done and
    `drop_after_commit` after it; `late` is like `slow`, but not ended by a caller who has hung up;
    `expire` makes all tokens invalid first.
    """

    kind: Kind
    on: str = "create"
    times: int = 1
    status: int = 503
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class Script:
    """The faults still to come."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def load(self, faults: Iterable[Fault]) -> None:
        self._faults = list(faults)

    def load_json(self, wire: bytes) -> None:
        self.load(Fault(**one) for one in json.loads(wire))

    def take(self, operation: str) -> Fault | None:
        fault = next((one for one in self._faults if one.on == operation), None)
        if fault is None:
            return None
        at = self._faults.index(fault)
        self._faults[at : at + 1] = [replace(fault, times=fault.times - 1)] * (fault.times > 1)
        return fault
