"""Shows the demo's outcome as tables, and says what is wrong with it."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from aiokafka import ConsumerRecord
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.demo.outcome import Outcome, Seen
from ops.demo.script import Expected, Step


def show(outcomes: list[Outcome], seen: Seen, console: Console) -> list[str]:
    """Print what came of each step and the CRM's tasks; return the complaints."""
    console.print(_deliveries(outcomes, seen))
    console.print(_tasks(seen.tasks))
    complaints = [*_wrong_steps(outcomes, seen), *_wrong_tasks(outcomes, seen)]
    for complaint in complaints:
        console.print(Text.assemble(("wrong: ", "red"), complaint))
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
    words = [f"{_count(dropped, 'duplicate')} dropped"] if dropped > 0 else ["stored"]
    if outcome.step.expected.tasks:
        words.append(_count(len(outcome.step.expected.tasks), "recipient"))
    return ", ".join(words)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


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
        step = outcome.step
        for wrong in (*_wrong_answers(outcome), *_wrong_places(step, seen)):
            yield f"{step.name}: {wrong}"


def _wrong_answers(outcome: Outcome) -> Iterable[str]:
    expected = outcome.step.expected
    for delivery in outcome.deliveries:
        if delivery.status is None:
            yield f"no answer in time, not {expected.status}"
        elif delivery.status != expected.status:
            yield f"answered {delivery.status}, not {expected.status}"
        # An error's text is the ingress's own affair.
        elif delivery.accepted and delivery.body != expected.body:
            yield f"answered {delivery.body!r}, not {expected.body!r}"


def _wrong_places(step: Step, seen: Seen) -> Iterable[str]:
    expected = step.expected
    if (copies := len(seen.of("raw", step.body))) != expected.copies:
        yield f"{_times(copies)} in raw, not {_times(expected.copies)}"
    for kind in seen.kinds_with(step.body):
        if kind != expected.topic:
            yield f"is in {kind}, where it does not belong"
    if expected.topic:
        yield from _wrong_records(expected, seen.of(expected.topic, step.body))


def _wrong_records(expected: Expected, records: list[ConsumerRecord]) -> Iterable[str]:
    if not records:
        yield f"is missing in {expected.topic}"
    elif len(records) > 1:
        yield f"{_times(len(records))} in {expected.topic}, not once"
    elif (reason := _header(records[0], "geophone-reason")) != expected.reason:
        yield f"set aside for the reason {reason}, not {expected.reason}"


def _wrong_tasks(outcomes: Iterable[Outcome], seen: Seen) -> Iterable[str]:
    wanted = Counter(who for outcome in outcomes for who in outcome.step.expected.tasks)
    found = Counter(map(_recipient, seen.tasks))
    for who in sorted((wanted | found).keys()):
        if wanted[who] != found[who]:
            yield f"the CRM has {_count(found[who], 'task')} for {who}, not {wanted[who]}"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _recipient(task: dict[str, Any]) -> str:
    recipient = task["command"]["recipient"]
    return str(recipient.get("email") or recipient.get("id"))


def _header(record: ConsumerRecord, name: str) -> str | None:
    return next((value.decode() for key, value in record.headers if key == name), None)
