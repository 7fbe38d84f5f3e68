"""A fake CRM as a process of its own, started and ended by a test."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

_START_SECONDS = 30


@contextmanager
def running_fake(vendor: str, folder: Path, **state: object) -> Iterator[str]:
    """Run the vendor's fake with this state (see `server.State`) until the end; yields its URL."""
    port_file, state_file = folder / f"{vendor}.port", folder / f"{vendor}.state"
    state_file.write_text(json.dumps(state))
    command = [sys.executable, "-m", f"tests.crm_fakes.{vendor}"]
    command += ["--port-file", str(port_file), "--state", str(state_file)]
    with subprocess.Popen(command) as process:
        try:
            yield _url(port_file, process)
        finally:
            process.terminate()


def _url(port_file: Path, process: "subprocess.Popen[bytes]") -> str:
    deadline = monotonic() + _START_SECONDS
    while not port_file.exists():
        assert process.poll() is None, "the fake ended"
        assert monotonic() < deadline, "the fake did not start"
        sleep(0.02)
    return str(json.loads(port_file.read_text())["url"])
