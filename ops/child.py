"""One of geophone's own processes, kept running: started, watched, started again, stopped."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from ops.guard import guard

EX_CONFIG = 78
"""A process that ends with this code would end so again: it is not restarted."""

_POLL_SECONDS = 0.02
_ASK_SECONDS = 0.1
_LAST_LINES = 15
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
_HEALTHY_SECONDS = 10.0


class ChildFailed(Exception):
    """A process ended and cannot be helped by another start; the message shows its last lines."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `module` with `arguments`; it must write `ready.json` once it serves."""

    role: str
    name: str
    module: str
    environment: Mapping[str, str]
    arguments: Sequence[str] = ()


class Child:
    """A program in `folder`, which holds its log and what it announced."""

    def __init__(self, program: Program, folder: Path) -> None:
        self.program = program
        self.folder = folder.absolute()
        self.log = self.folder / "log"
        self.ready_file = self.folder / "ready.json"
        self.exits: list[int] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._wanted = False

    @property
    def pid(self) -> int:
        """The current process id; another one after each restart."""
        if self._process is None:
            raise ChildFailed(f"{self.program.name} does not run")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether there is a process now; between an end and the next start there is none."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and keep it running until `stop`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._wanted = True
        self._spawn()
        self._watch = asyncio.create_task(self._keep_running())

    async def announced(self, seconds: float) -> dict[str, Any]:
        """Return what it wrote into its ready file, once it has.

        Raises:
            ChildFailed: it ended for good, or wrote nothing for `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not self.ready_file.exists():
            self._raise_if_over()
            if time.monotonic() > deadline:
                raise ChildFailed(self._last_words(f"did not come up within {seconds:g} s"))
            await asyncio.sleep(_POLL_SECONDS)
        return self.announcement

    @property
    def announcement(self) -> dict[str, Any]:
        """What it announced last.

        Raises:
            OSError, ValueError: it is just being started again.
        """
        announced: dict[str, Any] = json.loads(self.ready_file.read_text())
        return announced

    async def until_ready(self, seconds: float) -> None:
        """Wait for its /readyz to say yes.

        Raises:
            ChildFailed: it ended for good, or was not ready for `seconds`.
        """
        deadline = time.monotonic() + seconds
        while not await self._ready():
            self._raise_if_over()
            if time.monotonic() > deadline:
                raise ChildFailed(self._last_words(f"was not ready within {seconds:g} s"))
            await asyncio.sleep(_ASK_SECONDS)

    async def _ready(self) -> bool:
        with suppress(OSError, ValueError, ClientError, TimeoutError):
            url = f"{self.announcement['admin_url']}/readyz"
            timeout = ClientTimeout(total=2)
            async with ClientSession(timeout=timeout) as session, session.get(url) as response:
                return response.ok
        return False

    def send(self, number: signal.Signals) -> None:
        """Send the current process a signal; nothing happens if there is none just now."""
        if self._process:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def stop(self, grace_seconds: float) -> int | None:
        """SIGTERM, SIGKILL after `grace_seconds`; return the exit code, None if it did not run."""
        self._wanted = False
        if self._watch:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._process is None:
            return None
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        deadline = time.monotonic() + grace_seconds
        while self._process.poll() is None and time.monotonic() < deadline:
            await asyncio.sleep(_POLL_SECONDS)
        self._process.kill()
        code = self._process.wait()
        self._release()
        return code

    async def _keep_running(self) -> None:
        pause = _FIRST_PAUSE
        while self._wanted and self._process:
            started = time.monotonic()
            while (code := self._process.poll()) is None:
                await asyncio.sleep(_POLL_SECONDS)
            self.exits.append(code)
            self._release()
            if code == EX_CONFIG:
                return
            healthy = time.monotonic() - started > _HEALTHY_SECONDS
            pause = _FIRST_PAUSE if healthy else min(_LONGEST_PAUSE, pause * 2)
            await asyncio.sleep(pause)
            self._spawn()

    def _spawn(self) -> None:
        self.ready_file.unlink(missing_ok=True)  # of an earlier run that was killed
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.program.module, *self.program.arguments],
                cwd=self.folder,
                env={**os.environ, **self.program.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._guard = guard(self._process.pid)

    def _release(self) -> None:
        """The process is gone, and what it announced is no longer true.

        Its guard must not outlive it and end a stranger of its number.
        """
        if self._guard:
            self._guard.kill()
            self._guard.wait()
            if self._guard.stdin:
                self._guard.stdin.close()
        self._process = self._guard = None
        self.ready_file.unlink(missing_ok=True)

    def _raise_if_over(self) -> None:
        if self._process is None and self.exits and self.exits[-1] == EX_CONFIG:
            raise ChildFailed(self._last_words("refused its settings"))

    def _last_words(self, what: str) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        return f"{self.program.name} {what}. The end of {self.log}:\n" + "\n".join(lines)
