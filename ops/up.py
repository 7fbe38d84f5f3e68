"""`geophone up`: keep the stack running until Ctrl-C, and say how to use it."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.text import Text

from ops.progress import Progress
from ops.stack import Stack

_ONE_BROKER = (
    "One broker keeps one copy: a power cut or a lost disk loses events that were answered 2xx,\n"
    "and a crash of the broker may lose or hold up what it was just committing. Good for trying\n"
    "out; the promise needs three machines, their crashes can be tried with `--brokers 3`.\n\n"
)

_EXAMPLE = (
    '{"id":"event-1","version":"LivesendUpdatedV1","tenantId":"tenant-1",'
    '"data":{"livesendId":"1","action":"Renamed"}}'
)


async def keep_running(stack: Stack, console: Console, progress: Progress) -> None:
    """Start the stack, print how to use it, and stop it on SIGINT or SIGTERM.

    Raises:
        Whatever `Stack.start` raises; nothing runs any more then.
    """
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop.set)
    if await _started(stack, told_to_stop):
        progress.settle()
        console.print(instructions(stack), soft_wrap=True)
        await told_to_stop.wait()
        console.print("Stopping …")
        await stack.stop()
    console.print("Stopped.")


async def _started(stack: Stack, told_to_stop: asyncio.Event) -> bool:
    """Return whether it started, and not: was told to stop before that."""
    start = asyncio.create_task(stack.start())
    stop = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
    if start.done():
        await start
        return True
    start.cancel()
    await asyncio.gather(start, return_exceptions=True)
    return False


def instructions(stack: Stack) -> Text:
    """Return what a newcomer does next, ready to paste: no frame, no wrapped line."""
    url, secret = stack.webhook_urls[0], quote(str(stack.state.secret_file))
    event_topic = stack.topics.events["LivesendUpdatedV1"].name
    state_dir = str(stack.choice.state_dir)
    folder = f" --state-dir {quote(state_dir)}" if state_dir != ".geophone" else ""
    command = _command()
    lines: list[str | tuple[str, str]] = [
        ("geophone is up\n", "bold green"),
        *(f"Request URL   {each}\n" for each in stack.webhook_urls),
        f"CRM tasks     {stack.crm_url}\n",
        f"Kafka         {stack.bootstrap_servers}\n",
        f"For scripts   {stack.state.stack_file}\n\n",
        *([(_ONE_BROKER, "yellow")] if _one_copy(stack) else []),
        ("Send an event (three recipients, delivered three times, one task each):\n", "bold"),
        f"  {command} send --type email-v3 --times 3{folder}\n\n",
        ("Or with curl, signed:\n", "bold"),
        f"  BODY='{_EXAMPLE}'\n",
        f'  KEY="$(cat {secret})"\n',
        '  MAC=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$KEY" -r | cut -d" " -f1)\n',
        f'  curl -i {url} -H "x-seismic-signature: $MAC" -d "$BODY"\n\n',
        ("Read a topic:\n", "bold"),
        f"  {command} read {event_topic}{folder}\n",
        f"  {command} read {stack.topics.quarantine.name} --follow{folder}\n\n",
        "Ctrl-C stops all of it; the next `up` goes on with the same data.",
    ]
    return Text.assemble(*lines)


def _one_copy(stack: Stack) -> bool:
    """Whether the Kafka is our own and cannot keep a second copy."""
    return stack.choice.kafka is None and stack.choice.brokers == 1


def _command() -> str:
    """Return what to type to run this command again: `make up` puts nothing on the PATH."""
    run_as = Path(sys.argv[0])
    if run_as.name != "geophone" or shutil.which("geophone"):
        return "geophone"
    return os.path.relpath(run_as)
