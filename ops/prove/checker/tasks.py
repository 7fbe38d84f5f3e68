"""I9: each recipient of a delivered event has one task, and nobody else has any.

The CRM carries out a command that comes again no second time, so it hides what is twice in the
topic: commands are looked at there as well. The same send makes the same bytes.
"""

from collections import defaultdict
from collections.abc import Iterator

from ops.prove.checker.evidence import Evidence, name, place
from ops.prove.checker.invariants import Breach
from ops.prove.history import Event, Record, Task


def delivered_recipients(evidence: Evidence) -> dict[str, Event]:
    """Return who has to get a task, with the event that says so."""
    return {
        recipient: event
        for digest in evidence.first_output
        if (event := evidence.by_digest.get(digest))
        for recipient in event.recipients
    }


def wrong_tasks(evidence: Evidence) -> Iterator[Breach]:
    """Recipients without a task or with several, tasks without a reason."""
    expected = delivered_recipients(evidence)
    tasks: dict[str, list[Task]] = defaultdict(list)
    for task in evidence.history.tasks:
        tasks[task.recipient].append(task)
    for recipient, event in expected.items():
        if recipient not in tasks:
            yield Breach("missing-task", f"{recipient} of {name(event)} has no task")
    for recipient, found in tasks.items():
        keys = ", ".join(task.key for task in found[:3])
        if recipient not in expected:
            sentence = f"task {keys} for {recipient} of {found[0].tenant}"
            yield Breach("unexpected-task", f"{sentence}: no delivered event names this recipient")
        elif len(found) > 1:
            sentence = f"{recipient} of {name(expected[recipient])} has {len(found)} tasks: {keys}"
            yield Breach("double-task", sentence)


def double_commands(evidence: Evidence) -> Iterator[Breach]:
    """A command that is in its topic again."""
    first: dict[bytes, Record] = {}
    for record in evidence.history.commands:
        there = first.setdefault(record.digest, record)
        if there is not record:
            sentence = f"a command of {record.key!r} is at {place(there)} and again at"
            yield Breach("double-command", f"{sentence} {place(record)}")


def dead_tasks(evidence: Evidence) -> Iterator[Breach]:
    """Every command of a history can be carried out; none may be given up."""
    for record in evidence.history.dead:
        yield Breach("dead-task", f"a command is at {place(record)} (key {record.key!r})")
