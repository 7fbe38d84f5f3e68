"""`python -m ops.sandbox`: serve the sandbox until told to stop.

When it listens it prints one JSON line, {"url": ..., "pid": ...}, and writes the same to
`--ready-file`, whole or not at all, for whoever started it.
"""

import argparse
import json
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from ops.sandbox.app import create_app
from ops.sandbox.connection import Cuttable
from ops.sandbox.store import Store
from streams.crm.signing import BadSecret, signer

KEY_VARIABLE = "GEOPHONE_SANDBOX_SECRET"
_HINT = "geophone send"
_GOODBYE_SECONDS = 2  # requests under way get so long when we are told to stop


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce()


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Serve with these arguments; the secret comes from the environment, not from `ps`."""
    options = _parser().parse_args(arguments)
    try:
        signs = signer(environ[KEY_VARIABLE]) if environ.get(KEY_VARIABLE) else None
    except BadSecret as error:
        sys.exit(f"{KEY_VARIABLE}: {error}")
    listener = socket.create_server((options.host, options.port))
    store = Store(options.database, lambda: datetime.now(UTC))
    config = uvicorn.Config(
        create_app(store, signs, options.hint),
        http=Cuttable,
        log_level="warning",
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    announce = _announcer(listener, options.ready_file)
    _Server(config, announce).run(sockets=[listener])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m ops.sandbox", description="The CRM sandbox.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system pick one")
    parser.add_argument("--database", type=Path, required=True, help="the SQLite file")
    parser.add_argument("--ready-file", type=Path, help="gets the URL and pid once it listens")
    parser.add_argument("--hint", default=_HINT, help="the command the empty page suggests")
    parser.epilog = (
        f"{KEY_VARIABLE}: the Standard Webhooks secret that POST /tasks must be signed with"
    )
    return parser


def _announcer(listener: socket.socket, ready_file: Path | None) -> Callable[[], None]:
    host, port = listener.getsockname()[:2]

    def announce() -> None:
        line = json.dumps({"url": f"http://{host}:{port}", "pid": os.getpid()})
        if ready_file:
            draft = ready_file.with_name(f"{ready_file.name}.{os.getpid()}")
            draft.write_text(line + "\n")
            draft.replace(ready_file)
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    return announce


if __name__ == "__main__":
    main(sys.argv[1:], os.environ)
