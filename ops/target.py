"""Where the simulator delivers: a URL and a secret, given or taken from the local stack."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson


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

        Raises:
            NoTarget: something is not given and no stack runs in `state_dir`.
        """
        if url and secret_file:
            return cls(url, _secret(secret_file), "")
        stack = _stack(state_dir)
        return cls(
            url or stack["webhook_url"],
            _secret(secret_file or Path(stack["secret_file"])),
            stack["bootstrap_servers"],
        )


def _secret(path: Path) -> str:
    return path.read_text().strip()


def _stack(state_dir: Path) -> dict[str, Any]:
    try:
        stack: dict[str, Any] = orjson.loads((state_dir / "stack.json").read_bytes())
    except FileNotFoundError:
        raise NoTarget(
            f"no stack runs in {state_dir}: start one with `geophone up` in another terminal, or "
            "say where to go (--url and --secret-file, or --kafka; --state-dir for another stack)"
        ) from None
    return stack
