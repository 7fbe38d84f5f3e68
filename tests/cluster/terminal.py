"""A reader's terminal: what a guide tells to type is typed, word for word."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from tests.cluster.kubectl import CommandFailed
from tests.cluster.tools import program

ROOT = Path(__file__).parents[2]
_SECONDS = 300


@dataclass(frozen=True)
class Terminal:
    """A shell in a folder that has the chart, with `helm`, `kubectl` and a way to the cluster."""

    folder: Path
    environment: Mapping[str, str]

    def type(self, command: str) -> str:
        """Run a command to its end and return what it prints.

        Raises:
            CommandFailed: it did not work.
        """
        done = subprocess.run(
            ("/bin/bash", "-c", command),
            check=False,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=_SECONDS,
        )
        if done.returncode:
            raise CommandFailed(f"{command}:\n{done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def watch(self, command: str) -> Iterator[Iterator[str]]:
        """Run a command that goes on until Ctrl-C, which comes when the block ends; give its lines.

        After a while they end as well: whoever waits for one does not wait for ever.
        """
        process = subprocess.Popen(
            ("/bin/bash", "-c", command),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        patience = Timer(_SECONDS, os.killpg, (process.pid, signal.SIGKILL))
        patience.start()
        with process:
            try:
                assert process.stdout
                yield iter(process.stdout)
            finally:
                patience.cancel()
                os.killpg(process.pid, signal.SIGINT)


def terminal(folder: Path, kubeconfig: Path, helm: str) -> Terminal:
    """Give a terminal in a folder; `helm` is helm3 or helm4."""
    (folder / "deploy").symlink_to(ROOT / "deploy")
    programs = folder / "bin"
    programs.mkdir()
    for name, of in (("helm", helm), ("kubectl", "kubectl")):
        (programs / name).symlink_to(program(of))
    path = f"{programs}:{os.environ['PATH']}"
    return Terminal(folder, {**os.environ, "PATH": path, "KUBECONFIG": str(kubeconfig)})


def commands(guide: Path, title: str) -> list[list[str]]:
    """Return what a guide's section tells to type: a list for each block, a line for each command.

    A line that is indented goes on with the one before.
    """
    section = guide.read_text(encoding="utf-8").split(f"### {title}\n")[1]
    section, *_ = re.split(r"^##", section, maxsplit=1, flags=re.MULTILINE)
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return [re.split(r"\n(?! |done)", text.strip()) for kind, text in blocks if not kind]
