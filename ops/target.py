"""Where the simulator delivers: a URL and a secret, given or taken from the local stack."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import psutil

from ops import environment


class NoTarget(Exception):
    """There is nothing to talk to; the message says what to start or to give."""


@dataclass(frozen=True, slots=True)
class Target:
    """A webhook and how to sign for it."""

    url: str
    secret: str = field(repr=False)
    bootstrap_servers: str

    @classmethod
    def choose(cls, url: str | None, secret_file: Path | None, state_dir: Path) -> "Target":
        """Take what was given, and the rest from `stack.json`.

        A URL that is given may find its secret where its ingress has it: in GEOPHONE_SECRETS or
        GEOPHONE_SECRETS_FILES.

        Raises:
            NoTarget: something is not given and no stack runs in `state_dir`; the URL is none; the
                file holds no secret.
            ValueError: a GEOPHONE_… variable is wrong.
        """
        if url and not url.startswith(("http://", "https://")):
            raise NoTarget(f"--url {url} is no URL: it has to start with http:// or https://")
        if url and (secret := _told(secret_file)):
            return cls(url, secret, "")
        stack = _stack(state_dir)
        return cls(
            url or stack["webhook_url"],
            _secret(secret_file or Path(stack["secret_file"])),
            stack["bootstrap_servers"],
        )


def _told(file: Path | None) -> str | None:
    return _secret(file) if file else environment.read(None).signing_secret()


def _secret(path: Path) -> str:
    """Take the first line: during a rotation the ingress knows several."""
    lines = path.read_text().split()
    if not lines:
        raise NoTarget(f"{path} holds no secret: write the app's signing secret into it")
    return lines[0]


def _stack(state_dir: Path) -> dict[str, Any]:
    file = state_dir / "stack.json"
    stack: dict[str, Any] = orjson.loads(file.read_bytes()) if file.exists() else {}
    if not any(_alive(process["pid"]) for process in stack.get("processes", [])):
        raise NoTarget(
            f"no stack runs in {state_dir}: start one with `geophone up` in another terminal, or "
            "say where to go (--url and --secret-file, or --kafka; --state-dir for another stack)"
        )
    return stack


def _alive(pid: int) -> bool:
    """Whether there is such a process: a stack that was killed leaves its file behind."""
    try:
        # Where nobody reaps orphans, the dead ones stay as zombies.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
