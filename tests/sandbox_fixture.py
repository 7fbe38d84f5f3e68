"""The CRM sandbox as a process of its own, as the local stack runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from ops.sandbox.__main__ import KEY_VARIABLE

_START_SECONDS = 30


@contextmanager
def running_sandbox(folder: Path, *options: str, secret: str = "") -> Iterator[str]:
    """Run a sandbox that keeps its files in `folder`; yields its URL."""
    ready = folder / "ready.json"
    command = [sys.executable, "-m", "ops.sandbox", "--ready-file", str(ready)]
    command += ["--database", str(folder / "crm.db"), *options]
    environ = os.environ | {KEY_VARIABLE: secret}
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) as process:
        try:
            yield _url(ready, process)
        finally:
            process.terminate()
    ready.unlink()


def _url(ready: Path, process: subprocess.Popen[bytes]) -> str:
    deadline = monotonic() + _START_SECONDS
    while not ready.exists():
        assert process.poll() is None, "the sandbox ended"
        assert monotonic() < deadline, "the sandbox did not start"
        sleep(0.02)
    return str(json.loads(ready.read_text())["url"])
