"""`geophone crm redrive`: give the CRM commands again that it had refused.

A dead letter is the command as it was, so writing it to the task topic once more is all there is
to do. A CRM only ever creates, by the command's key: what it has by now, completed or edited by a
person or not, stays as it is, and to redrive twice does no harm.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from aiokafka import AIOKafkaProducer, ConsumerRecord
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ops.progress import Progress
from ops.reader import read_all
from ops.show import printable
from schemas import headers
from schemas.connection import KafkaConnection
from schemas.partitioner import partition_for
from schemas.reasons import Reason
from schemas.task import TaskCommand, UnreadableTask
from schemas.topics import Topics

READ_SECONDS = 600
_AT_ONCE = 1000  # records between two words about how far it is
_OURS = "geophone-"  # of these headers the command itself has only the time of arrival


@dataclass(frozen=True)
class Chosen:
    """Which dead letters: of these tenants (none: of all), whose event arrived in this time."""

    tenants: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, letter: ConsumerRecord, command: TaskCommand) -> bool:
        """Return whether the letter is meant."""
        at = datetime.fromtimestamp(letter.timestamp / 1000, UTC)
        return (
            (not self.tenants or command.tenant_id in self.tenants)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


def chosen(letters: Iterable[ConsumerRecord], which: Chosen) -> list[ConsumerRecord]:
    """Return the refused commands that are meant, each once: its last letter.

    What could not be read as a command never can be, so it is left out.
    """
    meant = (each for each in _readable(letters) if which.holds(*each))
    return list({command.key: letter for letter, command in meant}.values())


async def run(
    connection: KafkaConnection, topics: Topics, which: Chosen, console: Console
) -> list[ConsumerRecord]:
    """Read the dead letters, show which are meant and return them."""
    with Progress(console) as progress:
        progress.say(f"reading {topics.task_dead.name} …")
        letters = await read_all(connection, [topics.task_dead.name], READ_SECONDS)
    found = chosen(letters, which)
    _show(found, console)
    return found


async def write(
    connection: KafkaConnection, topics: Topics, letters: Sequence[ConsumerRecord], console: Console
) -> None:
    """Write the commands to the task topic, as new as any: retention counts from now."""
    producer = AIOKafkaProducer(
        **connection.client_arguments(), acks="all", enable_idempotence=True, linger_ms=5
    )
    await producer.start()
    try:
        partitions = len(await producer.partitions_for(topics.task.name))
        with Progress(console) as progress:
            for first in range(0, len(letters), _AT_ONCE):
                progress.say(f"{first} of {len(letters)} written …")
                some = letters[first : first + _AT_ONCE]
                await asyncio.gather(
                    *[
                        await producer.send(topics.task.name, **_command(each, partitions))
                        for each in some
                    ]
                )
    finally:
        await producer.stop()


def _command(letter: ConsumerRecord, partitions: int) -> dict[str, object]:
    kept = [
        (name, value)
        for name, value in letter.headers
        if not name.startswith(_OURS) or name == headers.RECEIVED
    ]
    return {
        "value": letter.value,
        "key": letter.key,
        "headers": kept,
        "partition": partition_for(letter.key or b"", partitions),
    }


def _readable(letters: Iterable[ConsumerRecord]) -> Iterator[tuple[ConsumerRecord, TaskCommand]]:
    for letter in letters:
        try:
            command = TaskCommand.decode(letter.value or b"")
        except UnreadableTask:
            continue
        if _header(letter, headers.REASON) == Reason.REFUSED_BY_CRM.value:
            yield letter, command


def _show(letters: Sequence[ConsumerRecord], console: Console) -> None:
    """Print how many there are, by tenant and by the CRM's reason, which names no person."""
    count = Counter(
        (command.tenant_id, _header(letter, headers.DETAIL))
        for letter, command in _readable(letters)
    )
    table = Table("commands", "tenant", "the CRM's reason", box=None)
    for (tenant, reason), many in count.most_common():
        table.add_row(str(many), _text(tenant), _text(reason))
    if count:
        console.print(table)


def _header(letter: ConsumerRecord, name: str) -> str:
    return next((value for key, value in letter.headers if key == name), b"").decode()


def _text(told: str) -> Text:
    return Text(printable(told.encode(errors="replace")))
