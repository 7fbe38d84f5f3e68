"""What is measured side by side: the product, and what one could run instead."""

import contextlib
import hmac
import http.client
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from bench import machine

SECRET = "seismic-demo-secret"  # noqa: S105 - signs the benchmark's own events
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One server; `stores` says whether its events can be found in the topic afterwards."""

    name: str
    meaning: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    stores: bool = True


PRODUCT = Variant("geophone", "the product", [sys.executable, "-m", "ingress"])
APPLICATION = Variant(
    "application",
    "the product, fast lane off",
    PRODUCT.command,
    {"GEOPHONE_FAST_LANE": "false"},
)
USER = Variant("user", "Starlette + send_and_wait", [sys.executable, "-m", "bench.user"])
FLOOR = Variant(
    "floor", "the product without Kafka", [sys.executable, "-m", "bench.floor"], stores=False
)


def gobar(program: Path) -> Variant:
    """Return the bar in Go: net/http and franz-go."""
    return Variant("go", "Go: net/http + franz-go", [str(program)])


@dataclass(frozen=True, slots=True)
class Running:
    """A server that answers."""

    port: int
    pid: int


@contextlib.contextmanager
def running(variant: Variant, kafka: str, prefix: str, log: Path) -> Iterator[Running]:
    """Run a server on a core of its own until it is not needed any more.

    Raises:
        RuntimeError: it stored nothing; the message shows its last lines.
    """
    port = machine.free_port()
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GEOPHONE_")},
        "GEOPHONE_SECRETS": SECRET,
        "GEOPHONE_HOST": "127.0.0.1",
        "GEOPHONE_PORT": str(port),
        "GEOPHONE_ADMIN_HOST": "127.0.0.1",
        "GEOPHONE_ADMIN_PORT": "0",
        "GEOPHONE_LOG_LEVEL": "WARNING",
        "GEOPHONE_DRAIN_SECONDS": "0",
        "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": kafka,
        "GEOPHONE_TOPIC_PREFIX": prefix,
        "GEOPHONE_TOPIC_REPLICATION": "1",
        **variant.environment,
    }
    with log.open("ab") as out:
        process = subprocess.Popen(variant.command, env=environment, stdout=out, stderr=out)
    try:
        _until_it_stores(process, port, log)
        machine.pin(process.pid, machine.SERVER)
        yield Running(port, process.pid)
    finally:
        process.terminate()
        process.wait()


def _until_it_stores(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if _status(port) == HTTPStatus.OK:
                return
        time.sleep(0.1)
    raise RuntimeError(f"a server did not come up:\n{log.read_text()[-2000:]}")


def _status(port: int) -> int:
    """Return the answer to one event."""
    body = b'{"id":"first","version":"LivesendUpdatedV1","tenantId":"t","data":{}}'
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as caller:
        caller.request("POST", "/webhook", body, {"x-seismic-signature": signature})
        return caller.getresponse().status
