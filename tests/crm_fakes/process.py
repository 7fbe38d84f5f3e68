"""A fake CRM as a process of its own, for tests that kill the worker that uses it."""

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.crm_fakes.server import Fake, State


def main(arguments: Sequence[str], fake: Callable[[State], Fake]) -> None:
    """Serve until told to stop; `--port-file` gets {"url": …, "pid": …} once it listens."""
    parser = argparse.ArgumentParser(description="A fake CRM.")
    parser.add_argument("--port", type=int, default=0, help="0 lets the system pick one")
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--state", type=Path, help="JSON of tests.crm_fakes.server.State")
    options = parser.parse_args(arguments)
    state = State.read(options.state.read_text()) if options.state else State()
    asyncio.run(_serve(fake(state), options.port, options.port_file))


async def _serve(fake: Fake, port: int, port_file: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with fake.serving(port) as url:
        draft = port_file.with_name(f"{port_file.name}.{os.getpid()}")
        draft.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        draft.replace(port_file)
        await stop.wait()
