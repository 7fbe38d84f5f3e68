"""`geophone crm`: its commands and their options."""

import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from rich.console import Console

from ops.crm import choice, owners, page
from ops.crm import event as events
from ops.crm.preview import Planned, plan, why_nothing
from schemas.envelope import Envelope
from streams.crm.target import Target
from streams.rules.book import RuleBook
from streams.settings import Settings

Result = TypeVar("Result")

crm_app = typer.Typer(
    help="See what would become of an event in the CRM, and whether the CRM is set up for it.",
    epilog="These read the GEOPHONE_CRM… variables of geophone-streams, redrive those of Kafka. "
    "Begin with `geophone crm check`; write rules with `geophone crm preview` beside the editor.",
    no_args_is_help=True,
)


@crm_app.command()
def preview(
    event: Annotated[
        Path,
        typer.Argument(help="File with the event's JSON; - reads it from a pipe."),
    ],
    event_type: Annotated[
        str | None,
        typer.Option(
            "--type", help="Event type, where the file holds the data alone; else as told."
        ),
    ] = None,
    rules: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Rules file; else GEOPHONE_TASK_RULES_FILE, else none.",
        ),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="As if the event were this tenant's.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="For machines, bodies as sent.")] = False,
) -> None:
    """Show the tasks that follow from an event and what the CRM would be sent, and send nothing.

    Log-in and signature are left out. <owner> and <recipient> stand for ids that
    only the CRM knows.

    Exit code 1 if the CRM would refuse a task, or settings or rules are wrong.
    """
    settings = _or_exit(lambda: choice.settings(rules))
    book = _or_exit(settings.rules)
    read = _or_exit(lambda: events.read(_body(event), event_type, tenant, settings.legacy_tenant))
    planned = _or_exit(lambda: asyncio.run(_planned(read, book, settings)))
    if json:
        sys.stdout.write(page.as_json(read, planned) + "\n")
    elif planned:
        page.preview(read, planned, Console())
    else:
        Console().print(f"No task: {why_nothing(read, book)}", soft_wrap=True, markup=False)
    sys.exit(1 if any(each.refused is not None for each in planned) else 0)


@crm_app.command()
def check() -> None:
    """Log in to each CRM, look whether it is set up for geophone, and change nothing.

    Looks up the owners that the rules of GEOPHONE_TASK_RULES_FILE name as well. Prints what was
    found and how to mend what is wrong. Exit code 1 if anything is.
    """
    settings = _or_exit(choice.settings)
    book = _or_exit(settings.rules)
    targets = _or_exit(lambda: choice.configured(settings))
    if not targets:
        sys.exit(f"geophone: no CRM is configured: {choice.HOW_TO_CONFIGURE}")
    console = Console()
    if not _or_exit(lambda: asyncio.run(_checked(targets, book, console))):
        console.print("Mend what is wrong, then run `geophone crm check` again.", style="dim")
        sys.exit(1)


async def _planned(event: Envelope, rules: RuleBook, settings: Settings) -> list[Planned]:
    targets = choice.configured(settings)
    try:
        return plan(event, rules, targets)
    finally:
        await _close(targets)


async def _checked(targets: Sequence[Target], rules: RuleBook, console: Console) -> bool:
    right = True
    try:
        for target in targets:
            found = list(await target.crm.check())
            if all(finding.ok for finding in found):  # else there is but one thing to mend
                found += await owners.findings(target, rules)
            page.findings(target.name, found, console)
            right = right and all(finding.ok for finding in found)
    finally:
        await _close(targets)
    return right


async def _close(targets: Sequence[Target]) -> None:
    for target in targets:
        await target.crm.close()


def _body(event: Path) -> bytes:
    return sys.stdin.buffer.read() if str(event) == "-" else event.read_bytes()


def _or_exit(step: Callable[[], Result]) -> Result:
    """Turn what a user can mend into one message and exit code 1."""
    try:
        return step()
    except (OSError, ValueError) as error:
        sys.exit(f"geophone: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
