"""From an event to its task commands: the decision, without I/O."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple

from aiokafka import ConsumerRecord
from pydantic import ValidationError

from schemas import envelope, headers
from schemas.envelope import Envelope
from schemas.reasons import Malformed, Reason
from schemas.task import TaskCommand
from schemas.topics import Topics
from streams.actions import ACTIONS
from streams.actions.context import Context
from streams.actions.draft import LeftOut
from streams.quarantine import set_aside
from streams.rules.book import RuleBook
from streams.transaction import Output

MAX_COMMAND_BYTES = 32 * 1024 * 1024
"""Most bytes of commands from one event. Each repeats the rule's text, so a small event may ask for
gigabytes; this is a thousand recipients with the longest text there is, and fits into memory."""

_LATEST_MS = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp() * 1000)


class _Written(NamedTuple):
    command: TaskCommand
    wire: bytes


@dataclass(slots=True)
class Decision:
    """What one batch leads to; `left_out`: by offset and why, who gets no task of an event."""

    outputs: list[Output] = field(default_factory=list)
    quarantined: Counter[Reason] = field(default_factory=Counter)
    left_out: Counter[tuple[int, str]] = field(default_factory=Counter)


def decide(
    records: Iterable[ConsumerRecord], topics: Topics, rules: RuleBook, legacy_tenant: str
) -> Decision:
    """Decide what follows from the events of one partition, in order."""
    decision = Decision()
    for record in records:
        try:
            outputs, left_out = _outputs(record, topics, rules, legacy_tenant)
        except Malformed as malformed:
            decision.outputs.append(set_aside(record, malformed, topics.quarantine.name))
            decision.quarantined[malformed.reason] += 1
        else:
            decision.outputs.extend(outputs)
            decision.left_out.update((record.offset, each.why) for each in left_out)
    return decision


def follow(event: Envelope, received_at: datetime, rules: RuleBook) -> list[TaskCommand]:
    """Return the commands that follow from an event stored at `received_at` (aware).

    Raises:
        Malformed: nothing can ever follow from its type, an action cannot read it, or more than
            `MAX_COMMAND_BYTES` would follow.
    """
    written = _written(event, received_at, rules)
    return [each.command for each in written if not isinstance(each, LeftOut)]


def _written(
    event: Envelope, received_at: datetime, rules: RuleBook
) -> Iterator[_Written | LeftOut]:
    """Yield each command with its wire form, and no more of them than may be."""
    size = 0
    for command in _commands(event, received_at, rules):
        if isinstance(command, LeftOut):
            yield command
            continue
        wire = command.encode()
        size += len(wire)
        if size > MAX_COMMAND_BYTES:
            raise Malformed(
                Reason.WRONG_SHAPE, f"its commands are more than {MAX_COMMAND_BYTES} bytes"
            )
        yield _Written(command, wire)


def _commands(
    event: Envelope, received_at: datetime, rules: RuleBook
) -> Iterator[TaskCommand | LeftOut]:
    actions = ACTIONS.get(event.spelling)
    if actions is None:
        raise Malformed(Reason.WRONG_SHAPE, f"nothing can follow from {event.spelling}")
    rule = rules.rule(event.tenant_id, event.spelling) if actions else None
    if rule is None or not rule.enabled:
        return
    context = Context(received_at, rule)
    try:
        for action in actions:
            yield from action(event, context)
    except ValidationError as error:
        raise Malformed(Reason.WRONG_SHAPE, _where(error)) from error


def _outputs(
    record: ConsumerRecord, topics: Topics, rules: RuleBook, legacy_tenant: str
) -> tuple[list[Output], list[LeftOut]]:
    told = record.key.decode(errors="replace") if record.key else legacy_tenant
    event = envelope.read(record.value or b"", legacy_tenant=told)
    outputs, left_out = [], []
    for each in _written(event, _received_at(record.timestamp), rules):
        if isinstance(each, LeftOut):
            left_out.append(each)
        else:
            outputs.append(_output(each, record, topics.task.name))
    return outputs, left_out


def _output(written: _Written, record: ConsumerRecord, topic: str) -> Output:
    command = written.command
    return Output(
        topic=topic,
        key=record.key,
        value=written.wire,
        headers=headers.of_task(
            command.tenant_id, str(command.key), record.timestamp, command.kind
        ),
        timestamp_ms=record.timestamp,
    )


def _received_at(timestamp_ms: int) -> datetime:
    """Read a record's timestamp; writers may put any number there, and dates end."""
    return datetime.fromtimestamp(min(max(timestamp_ms, 0), _LATEST_MS) / 1000, UTC)


def _where(error: ValidationError) -> str:
    """Name the fields and what is wrong with them, never their values."""
    problems = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, p['loc']))}: {p['type']}" for p in problems)
