"""`geophone read`: print records as a person wants to see them."""

from aiokafka import ConsumerRecord
from rich.console import Console
from rich.text import Text

from ops.reader import follow as follow_topic
from ops.reader import read_all
from schemas.connection import KafkaConnection

_LONGEST = 2000


async def records(
    connection: KafkaConnection, topic: str, console: Console, *, follow: bool
) -> None:
    """Print a topic's committed records, and those to come if told to follow."""
    if follow:
        async for record in follow_topic(connection, [topic]):
            console.print(line(record))
        return
    found = await read_all(connection, [topic])
    for record in found:
        console.print(line(record))
    console.print(f"{len(found)} records in {topic}", style="dim")


def line(record: ConsumerRecord) -> Text:
    """Return one record: partition and offset, key, what its headers say, value."""
    headers = {name: value.decode(errors="replace") for name, value in record.headers}
    what = headers.get("geophone-reason") or headers.get("ce_type", "")
    key = record.key.decode(errors="replace") if record.key else "-"
    value = (record.value or b"")[:_LONGEST].decode(errors="replace")
    return Text.assemble(
        (f"{record.partition}/{record.offset}", "cyan"),
        f"  {key}  ",
        (what, "green"),
        f"  {value}",
    )
