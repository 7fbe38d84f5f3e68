"""One broker process: its folder, its life, and what it leaves behind when it dies."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from ops.guard import guard
from ops.kafka.errors import BrokerDied
from ops.kafka.java import Java

LAST_WORDS = 20  # lines of a dead broker's log that are shown
POLL_S = 0.02
LEFTOVER_S = 5
# Once its data is flushed, the last controller of three waits 5 s in vain for the others' votes.
FAREWELL_S = 0.5
# These would add options of the user's own to the command line.
JAVA_VARIABLES = frozenset({"CLASSPATH", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"})


class Node:
    """A broker in `folder`: server.properties, data/, broker.log and pid."""

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.folder = folder.absolute()
        self.log = self.folder / "broker.log"
        self._pid_file = self.folder / "pid"
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.paused = False

    @property
    def pid(self) -> int:
        """The process id of the broker. Raises BrokerDied when it does not run."""
        return self._running().pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def end_leftover(self) -> int | None:
        """Kills a broker that outlived its parent; its process id, or None if there was none."""
        with suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess, psutil.AccessDenied):
            pid = int(self._pid_file.read_text(encoding="ascii"))
            process = psutil.Process(pid)
            if self._mark in process.cmdline():
                process.kill()
                # Not for ever: where nobody reaps orphans, it stays as a zombie that holds nothing.
                psutil.wait_procs([process], timeout=LEFTOVER_S)
                return pid
        return None

    def configure(self, properties: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "server.properties").write_text(properties, encoding="ascii")

    async def format(self, java: Java, cluster_id: str) -> None:
        """Prepares the data folder, unless that was done before. Raises BrokerDied."""
        data = self.folder / "data"
        # Kafka writes this file last, so a data folder without it is an interrupted attempt.
        if (data / "meta.properties").exists():
            return
        shutil.rmtree(data, ignore_errors=True)
        arguments = ("format", "--cluster-id", cluster_id, "--config", "server.properties")
        self._process = self._spawn(
            java.command(
                "kafka.tools.StorageTool", *arguments, options=("-XX:TieredStopAtLevel=1",)
            )
        )
        if await asyncio.to_thread(self._process.wait):
            self.check()
        self._process = None

    def launch(self, java: Java, heap_mib: int) -> None:
        """Starts the broker in a session of its own: Ctrl-C in a terminal does not reach it."""
        scratch = self.folder / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        options = (f"-Xmx{heap_mib}m", f"-Djava.io.tmpdir={scratch}", self._mark)
        self._process = self._spawn(
            java.command("kafka.Kafka", "server.properties", options=options)
        )
        self._pid_file.write_text(str(self._process.pid), encoding="ascii")
        self._guard = guard(self._process.pid)
        self.paused = False

    def check(self) -> None:
        """Raises BrokerDied, with the end of the log, when the process has ended by itself."""
        if self.alive:
            return
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_WORDS:]
        raise BrokerDied(
            f"broker {self.number} ended by itself. The end of {self.log}:\n" + "\n".join(lines)
        )

    def pause(self) -> None:
        """Freezes the broker: its connections stay open and nothing answers."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        # On a busy machine it goes on for a moment; this tells when the last thread has stopped.
        os.waitpid(process.pid, os.WUNTRACED)
        self.paused = True

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)
        self.paused = False

    def kill(self) -> None:
        """SIGKILL, and waits until the process is gone (milliseconds)."""
        self._running().kill()
        self._reap()

    async def stop(self, grace_s: float) -> None:
        """SIGTERM, then SIGKILL after `grace_s`. Does nothing when the broker does not run."""
        if self._process is None:
            return
        if self.alive:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
        await asyncio.to_thread(self._wait, grace_s)
        self._process.kill()
        self._reap()

    def _wait(self, grace_s: float) -> None:
        deadline = time.monotonic() + grace_s
        flushed = self.folder / "data" / ".kafka_cleanshutdown"
        while self.alive and time.monotonic() < deadline:
            if flushed.exists():
                deadline = min(deadline, time.monotonic() + FAREWELL_S)
            time.sleep(POLL_S)

    @property
    def _mark(self) -> str:
        return f"-Dgeophone.broker={self.folder}"

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise BrokerDied(f"broker {self.number} does not run: restart it first")
        return self._process

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        kept = {name: value for name, value in os.environ.items() if name not in JAVA_VARIABLES}
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=kept,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _reap(self) -> None:
        # The broker first: a guard that ended before it could not end it any more.
        for process in filter(None, (self._process, self._guard)):
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()
        self._process = self._guard = None
        self.paused = False
        self._pid_file.unlink(missing_ok=True)
