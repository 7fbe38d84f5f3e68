"""The command `geophone` as a person runs it: a process of its own in a folder of its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
import psutil

STARTED_SECONDS = 120.0
STOPPED_SECONDS = 60.0
_POLL_SECONDS = 0.05


def environment(folder: Path, **variables: str) -> dict[str, str]:
    """Return an environment without settings of the developer's own, with a private TMPDIR."""
    own = {k: v for k, v in os.environ.items() if not k.startswith(("GEOPHONE_", "COLUMNS"))}
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', os.defpath)}"
    return {**own, "TMPDIR": str(scratch), "PATH": path, **variables}


def geophone(
    folder: Path, *arguments: str, seconds: float = STARTED_SECONDS, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end in `folder`, without a terminal, within so many seconds."""
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        cwd=folder,
        env=environment(folder, **variables),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


def wait_for(condition: Callable[[], Any], what: str, seconds: float) -> None:
    """Poll until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain for {what}"
        time.sleep(_POLL_SECONDS)


def get(url: str) -> tuple[int, bytes]:
    """Return status and body of a GET."""
    where = urlsplit(url)
    with closing(HTTPConnection(where.netloc, timeout=10)) as connection:
        connection.request("GET", f"{where.path}?{where.query}")
        answer: HTTPResponse = connection.getresponse()
        return answer.status, answer.read()


class Command:
    """A command that runs on until it is stopped; its output is in `folder`/output."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = folder
        with (folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", *arguments],
                cwd=folder,
                env=environment(folder, **variables),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def until_says(self, text: str) -> None:
        def said() -> bool:
            assert self._process.poll() is None, self.output
            return text in self.output

        wait_for(said, text, STARTED_SECONDS)

    def descendants(self) -> list[psutil.Process]:
        """Return everything it has started, directly or not."""
        started: list[psutil.Process] = psutil.Process(self._process.pid).children(recursive=True)
        return started

    def stop(self, number: signal.Signals, *, group: bool = False) -> int:
        """Send a signal to it alone or to its process group, as Ctrl-C does; return the code."""
        send = os.killpg if group else os.kill
        send(self._process.pid, number)
        return self._process.wait(STOPPED_SECONDS)

    def end(self) -> None:
        """Make sure that nothing is left, whatever the test did."""
        if self._process.poll() is None:
            self.stop(signal.SIGTERM)


class Up(Command):
    """`geophone up` with the usual state folder, on free ports."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        super().__init__(folder, "up", "--port", "0", *options, **variables)
        self.state_dir = folder / ".geophone"
        self.stack_file = self.state_dir / "stack.json"

    def started(self) -> Self:
        self.until_says("Ctrl-C stops all of it")
        return self

    @property
    def stack(self) -> dict[str, Any]:
        content: dict[str, Any] = orjson.loads(self.stack_file.read_bytes())
        return content

    def process(self, name: str) -> dict[str, Any]:
        """Return what stack.json says of one process."""
        return next(each for each in self.stack["processes"] if each["name"] == name)

    def recipients(self) -> list[str]:
        """Return the address of each task's recipient, as often as there are tasks."""
        _, body = get(f"{self.stack['crm_url']}/tasks?limit=10000")
        return [task["command"]["recipient"]["email"] for task in orjson.loads(body)["tasks"]]

    def pids(self) -> dict[str, int]:
        return {each["name"]: each["pid"] for each in self.stack["processes"]}


def gone(processes: Iterable[psutil.Process]) -> bool:
    """Whether none of them runs; a zombie, where nobody reaps orphans, holds nothing."""
    return not [each for each in processes if _runs(each)]


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
