"""Runs the load generator; what it measured, and the ids of what was answered 2xx."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench import machine


@dataclass(frozen=True, slots=True)
class Load:
    """One way to send: `rate` events per second, or 0 for as fast as they are answered."""

    name: str
    connections: int
    rate: float = 0.0


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it; times in microseconds by name: p50, p99, p999, max."""

    acked: list[str]
    answers: dict[str, int]
    errors: dict[str, int]
    per_second: float
    microseconds: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether every event was answered 200."""
        return not self.errors and set(self.answers) <= {"200"}


@dataclass(frozen=True, slots=True)
class Loadgen:
    """The built program, what it signs with, and how long it measures, in seconds."""

    program: Path
    secret: str
    seconds: float

    def run(self, load: Load, port: int, run: str, folder: Path) -> Sent:
        """Send to a server on this machine."""
        ledger = folder / f"{run}.ledger"
        arguments = {
            "url": f"http://127.0.0.1:{port}/webhook",
            "secret": self.secret,
            "connections": load.connections,
            "rate": load.rate,
            "for": f"{self.seconds}s",
            "run": run,
            "ledger": ledger,
        }
        flags = [f"-{name}={value}" for name, value in arguments.items()]
        with subprocess.Popen([self.program, *flags], stdout=subprocess.PIPE) as process:
            machine.pin(process.pid, machine.OTHERS)
            output, _ = process.communicate()
        found = json.loads(output)
        acked = ledger.read_text().split()
        return Sent(
            acked, found["answers"], found["errors"], found["per_second"], found["microseconds"]
        )
