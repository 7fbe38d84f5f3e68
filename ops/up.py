"""`geophone up`: keep the stack running until Ctrl-C, and say how to use it."""

import asyncio
import signal
from collections.abc import Callable

from rich.console import Console
from rich.panel import Panel

from ops.stack import Stack

_EXAMPLE = (
    '{"id":"event-1","version":"LivesendUpdatedV1","tenantId":"tenant-1",'
    '"data":{"livesendId":"1","action":"Renamed"}}'
)


async def keep_running(stack: Stack, console: Console, started: Callable[[], None]) -> None:
    """Start the stack, print how to use it, and stop it on SIGINT or SIGTERM.

    `started` is called once everything is ready.
    """
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told_to_stop.set)
    start = asyncio.create_task(stack.start())
    stop = asyncio.create_task(told_to_stop.wait())
    await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
    if not start.done():
        start.cancel()
        await asyncio.gather(start, return_exceptions=True)
        return
    await start
    started()
    console.print(Panel(instructions(stack), title="geophone is up", expand=False))
    await told_to_stop.wait()
    console.print("Stopping …")
    await stack.stop()


def instructions(stack: Stack) -> str:
    """Return what a newcomer does next, ready to paste."""
    url, secret = stack.webhook_urls[0], stack.describe()["secret_file"]
    event_topic = stack.topics.events["LivesendUpdatedV1"].name
    folder = (
        f" --state-dir {stack.choice.state_dir}"
        if str(stack.choice.state_dir) != ".geophone"
        else ""
    )
    return "\n".join(
        [
            f"Request URL      {url}",
            f"CRM tasks        {stack.crm_url}",
            f"Kafka            {stack.bootstrap_servers}",
            f"For scripts      {stack.stack_file}",
            "",
            "[bold]Send an event[/bold] (three recipients, delivered three times, one task each):",
            f"  geophone send --type email-v3 --times 3{folder}",
            "",
            "[bold]Or with curl, signed:[/bold]",
            f"  BODY='{_EXAMPLE}'",
            f'  KEY="$(cat {secret})"',
            '  MAC=$(printf %s "$BODY" | openssl dgst -sha256 -hmac "$KEY" -r | cut -d" " -f1)',
            f'  curl -i {url} -H "x-seismic-signature: $MAC" -d "$BODY"',
            "",
            "[bold]Read a topic:[/bold]",
            f"  geophone read {event_topic}{folder}",
            f"  geophone read {stack.topics.quarantine.name} --follow{folder}",
            "",
            "Ctrl-C stops all of it; the next `geophone up` goes on with the same data.",
        ]
    )
