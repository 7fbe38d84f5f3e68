"""Tells a waiting person what is going on."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.text import Text


class Progress:
    """One line that changes on a terminal, until `settle`; lines one after another elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("starting …") if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.settle()

    def say(self, text: str) -> None:
        """Say what happens now."""
        if self._status:
            self._status.update(Text(text))
        else:
            self._console.print(Text(text, style="dim"), soft_wrap=True)

    def settle(self) -> None:
        """Take the changing line away: what is said from now on stays on the screen."""
        if self._status:
            self._status.stop()
            self._status = None
