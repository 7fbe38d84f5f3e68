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
            console.print(line(record), soft_wrap=True)
        return
    found = await read_all(connection, [topic])
    for record in found:
        console.print(line(record), soft_wrap=True)
    number = "1 record" if len(found) == 1 else f"{len(found)} records"
    console.print(f"{number} in {topic}", style="dim", highlight=False, soft_wrap=True)


def line(record: ConsumerRecord) -> Text:
    """Return one record: partition and offset, key, what its headers say, value."""
    headers = {name: printable(value) for name, value in record.headers}
    what = headers.get("geophone-reason") or headers.get("ce_type", "")
    key = printable(record.key) if record.key else "-"
    return Text.assemble(
        (f"{record.partition}/{record.offset}", "cyan"),
        f"  {key}  ",
        (what, "green"),
        f"  {printable((record.value or b'')[:_LONGEST])}",
    )


def printable(value: bytes) -> str:
    """Return bytes as text on one line that cannot play tricks on a terminal."""
    text = value.decode(errors="replace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
