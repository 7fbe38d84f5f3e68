"""Shows the demo's outcome as tables, and says what is wrong with it."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRecord
from rich.console import Console
from rich.table import Table

from ops.demo.outcome import Outcome, Seen


def show(outcomes: list[Outcome], seen: Seen, console: Console) -> list[str]:
    """Print what came of each step and the CRM's tasks; return the complaints."""
    console.print(_deliveries(outcomes, seen))
    console.print(_tasks(seen.tasks))
    complaints = [*_wrong_steps(outcomes, seen), *_wrong_tasks(outcomes, seen)]
    for complaint in complaints:
        console.print(f"[red]wrong:[/red] {complaint}", highlight=False)
    if not complaints:
        console.print("[green]All of it is right:[/green] stored, once, in its place.")
    return complaints


def _deliveries(outcomes: Iterable[Outcome], seen: Seen) -> Table:
    table = Table(title="What came of each delivery", title_justify="left")
    for column in ("Seismic sends", "answer", "ms", "topic, partition/offset", "what happened"):
        table.add_column(column, overflow="fold")
    for outcome in outcomes:
        kind = outcome.step.expected.topic
        records = seen.of(kind, outcome.step.body) if kind else []
        table.add_row(
            outcome.step.name,
            _answers(outcome),
            ", ".join(f"{one.milliseconds:.0f}" for one in outcome.deliveries),
            "\n".join(f"{kind} {one.partition}/{one.offset}" for one in records) or "-",
            _happened(outcome, seen, records),
        )
    return table


def _answers(outcome: Outcome) -> str:
    statuses = Counter(str(one.status or "none") for one in outcome.deliveries)
    return ", ".join(f"{n} x {s}" if n > 1 else s for s, n in statuses.items())


def _happened(outcome: Outcome, seen: Seen, records: list[ConsumerRecord]) -> str:
    if not records:
        return "echoed" if outcome.step.expected.body else "nothing stored"
    if reason := _header(records[0], "geophone-reason"):
        return f"quarantined: {reason}"
    dropped = len(seen.of("raw", outcome.step.body)) - len(records)
    words = [f"{dropped} duplicates dropped"] if dropped > 0 else ["stored"]
    if outcome.step.expected.tasks:
        words.append(f"{len(outcome.step.expected.tasks)} recipients")
    return ", ".join(words)


def _tasks(tasks: Iterable[dict[str, Any]]) -> Table:
    table = Table(title="The CRM's tasks", title_justify="left")
    for column in ("due", "subject", "owner", "status"):
        table.add_column(column, overflow="fold")
    for task in sorted(tasks, key=_recipient):
        command = task["command"]
        owner = command["owner"].get("email", "-")
        table.add_row(command["due"], command["subject"], owner, task["status"])
    return table


def _wrong_steps(outcomes: Iterable[Outcome], seen: Seen) -> Iterable[str]:
    for outcome in outcomes:
        step, expected = outcome.step, outcome.step.expected
        for delivery in outcome.deliveries:
            if delivery.status != expected.status:
                yield f"{step.name}: answered {delivery.status}, not {expected.status}"
            elif expected.status != 401 and delivery.body != expected.body:  # noqa: PLR2004
                yield f"{step.name}: answered {delivery.body!r}, not {expected.body!r}"
        yield from _wrong_places(outcome, seen)


def _wrong_places(outcome: Outcome, seen: Seen) -> Iterable[str]:
    step, expected = outcome.step, outcome.step.expected
    wanted = [expected.topic] if expected.topic else []
    if (found := seen.kinds_with(step.body)) != wanted:
        yield f"{step.name}: is in {found}, not in {wanted}"
    if (raw := len(seen.of("raw", step.body))) != expected.copies:
        yield f"{step.name}: {raw} times in raw, not {expected.copies}"
    records = seen.of(expected.topic, step.body) if expected.topic else []
    if expected.topic and len(records) != 1:
        yield f"{step.name}: {len(records)} times in {expected.topic}, not once"
    if records and _header(records[0], "geophone-reason") != expected.reason:
        yield f"{step.name}: quarantined for {_header(records[0], 'geophone-reason')}"


def _wrong_tasks(outcomes: Iterable[Outcome], seen: Seen) -> Iterable[str]:
    wanted = Counter(who for outcome in outcomes for who in outcome.step.expected.tasks)
    found = Counter(map(_recipient, seen.tasks))
    for who in sorted((wanted | found).keys()):
        if wanted[who] != found[who]:
            yield f"the CRM has {found[who]} tasks for {who}, not {wanted[who]}"


def _recipient(task: dict[str, Any]) -> str:
    recipient = task["command"]["recipient"]
    return str(recipient.get("email") or recipient.get("id"))


def _header(record: ConsumerRecord, name: str) -> str | None:
    return next((value.decode() for key, value in record.headers if key == name), None)
