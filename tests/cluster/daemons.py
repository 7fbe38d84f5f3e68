"""Processes that run beside the tests: started, asked whether they are there, ended in turn."""

import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

_STOP_SECONDS = 20
_POLL_SECONDS = 0.1


class Daemons:
    """Processes with a log each in `folder`, which they start in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str, environment: Mapping[str, str] | None = None) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._running[name] = subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the tests, which then end these in order
            )

    def until(self, name: str, there: Callable[[], bool], seconds: float) -> None:
        """Wait for what a daemon is to bring about.

        Raises:
            RuntimeError: it ended, or took too long; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not there():
            ended = self._running[name].poll()
            if ended is not None or time.monotonic() > deadline:
                said = (self.folder / f"{name}.log").read_text(errors="replace")[-3000:]
                raise RuntimeError(f"{name} is not ready (exit code {ended}):\n{said}")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """End them all, the last one first: the API server has to go before its etcd."""
        for process in reversed(self._running.values()):
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
