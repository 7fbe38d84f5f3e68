"""A process of the harness: told what to do by a JSON file, and ended with its parent."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import orjson

from ops.guard import guard

_LAST_LINES = 12


class HarnessFailed(Exception):
    """A process of the harness failed: the run says nothing about geophone."""


class Harness:
    """`module`, running with its plan in `folder`; what it prints on stdout are JSON lines."""

    def __init__(self, name: str, folder: Path, process: Process) -> None:
        self.name = name
        self._log = folder / f"{name}.log"
        self._process = process
        self._guard = guard(process.pid)

    @classmethod
    async def start(cls, name: str, module: str, plan: Mapping[str, Any], folder: Path) -> Self:
        """Write the plan and start the module on it."""
        file = folder / f"{name}.json"
        file.write_bytes(orjson.dumps(plan, option=orjson.OPT_INDENT_2))
        with (folder / f"{name}.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                str(file),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the run's to hear, and to end this one
            )
        return cls(name, folder, process)

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what it prints, until it ends."""
        if self._process.stdout is None:
            raise RuntimeError("started without a pipe")
        async for line in self._process.stdout:
            yield orjson.loads(line)

    def tell_to_stop(self) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> None:
        """Wait for its end.

        Raises:
            HarnessFailed: it did not end well; the message has the end of its log.
        """
        code = await self._process.wait()
        self._release()
        if code:
            words = self._log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
            raise HarnessFailed(f"{self.name} ended with code {code}:\n" + "\n".join(words))

    async def kill(self) -> None:
        """End it, whatever it does; nothing happens if it has ended."""
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._release()

    def _release(self) -> None:
        self._guard.kill()
        self._guard.wait()
        if self._guard.stdin:
            self._guard.stdin.close()
