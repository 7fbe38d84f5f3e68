"""The command `geophone`: what a person runs."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from aiokafka.errors import KafkaError
from rich.console import Console

from ops import send, show
from ops import topics as topic_table
from ops.child import ChildFailed
from ops.demo import run as demo
from ops.kafka.errors import LocalKafkaError
from ops.reader import UnknownTopic
from ops.send import Plan
from ops.stack import DEFAULT_PORT, Choice, Stack, StackFailed
from ops.target import NoTarget, Target
from ops.up import keep_running
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX, Topics

Result = TypeVar("Result")
_MENDABLE = (
    ChildFailed,
    KafkaError,
    LocalKafkaError,
    NoTarget,
    StackFailed,
    UnknownTopic,
    ValueError,
)

app = typer.Typer(
    help="Kafka ingestion bridge for Seismic webhooks: try it, feed it, look into it.",
    epilog="Begin with `geophone demo`; then `geophone up`, and `geophone send` beside it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
topics_app = typer.Typer(help="Create or check the topics of a cluster.", no_args_is_help=True)
app.add_typer(topics_app, name="topics")

StateDir = Annotated[Path, typer.Option(help="Folder of the local stack: data, logs, stack.json.")]
DEFAULT_STATE_DIR = Path(".geophone")


@app.command()
def up(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    state_dir: StateDir = DEFAULT_STATE_DIR,
    port: Annotated[
        int, typer.Option(help="First ingress port; 0 picks free ones.")
    ] = DEFAULT_PORT,
    brokers: Annotated[int, typer.Option(help="Kafka brokers: 1 or 3.")] = 1,
    ingresses: Annotated[
        int, typer.Option(min=1, help="Ingress processes, on ports in a row.")
    ] = 1,
    workers: Annotated[int, typer.Option(min=1, help="Streams processes.")] = 1,
    kafka: Annotated[
        str | None, typer.Option(help="HOST:PORT of an existing cluster instead of our own.")
    ] = None,
) -> None:
    """Run the whole stack until Ctrl-C; a second `up` goes on with the same data."""
    console = Console()
    choice = Choice(state_dir, port, brokers, ingresses, workers, kafka)
    with console.status("starting …") as status:
        stack = Stack(choice, status.update)
        _run(keep_running(stack, console, status.stop))


@app.command(name="demo")
def run_demo(
    state_dir: Annotated[
        Path, typer.Option(help="Folder of the demo; emptied at the start of each run.")
    ] = DEFAULT_STATE_DIR / "demo",
) -> None:
    """Run the main job end to end, show what came of each delivery, and check all of it."""
    sys.exit(0 if _run(demo.play(state_dir, Console())) else 1)


@app.command(name="send")
def play_seismic(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    event_type: Annotated[
        str, typer.Option("--type", help="Event type in any case, e.g. email-v3.")
    ] = "email-v3",
    tenant: Annotated[str, typer.Option(help="tenantId of the events.")] = "tenant-1",
    times: Annotated[int, typer.Option(min=1, help="Deliver each event so often.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="How many different events.")] = 1,
    rate: Annotated[float, typer.Option(min=0.001, help="Deliveries per second.")] = 10.0,
    retries: Annotated[
        int, typer.Option(min=0, max=3, help="Tries after a failure, 5, 25 and 150 s later.")
    ] = 1,
    body: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Send this file instead.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Request URL; the local stack's if unset.")
    ] = None,
    secret_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="File with the secret.")
    ] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Play Seismic: sign events and deliver them, with its retries."""
    target = _or_exit(lambda: Target.choose(url, secret_file, state_dir))
    plan = _or_exit(lambda: Plan.of(event_type, tenant, times, count, rate, retries, body))
    sys.exit(0 if _run(send.run(plan, target, Console())) else 1)


@app.command()
def read(
    topic: Annotated[str, typer.Argument(help="Topic name, e.g. seismic.event.email-v3.")],
    *,
    follow: Annotated[bool, typer.Option(help="Go on with what comes, until Ctrl-C.")] = False,
    kafka: Annotated[
        str | None, typer.Option(help="HOST:PORT; the local stack's if unset.")
    ] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Print the committed records of a topic: where, whose, what, and the value."""
    connection = _or_exit(lambda: _connection(kafka, state_dir))
    _run(show.records(connection, topic, Console(), follow=follow))


Kafka = Annotated[str | None, typer.Option(help="HOST:PORT; the local stack's if unset.")]
Prefix = Annotated[str, typer.Option(help="Prefix of the topics' names.")]
Partitions = Annotated[int, typer.Option(min=1, help="Partitions of every topic; never changed.")]


@topics_app.command(name="apply")
def apply_topics(
    kafka: Kafka = None,
    prefix: Prefix = DEFAULT_PREFIX,
    partitions: Partitions = DEFAULT_PARTITIONS,
    replication: Annotated[
        int | None, typer.Option(min=1, help="Replicas; 3, or fewer on a smaller cluster.")
    ] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Create the topics that are missing; never changes one that exists."""
    connection = _or_exit(lambda: _connection(kafka, state_dir))
    factor = replication or _run(topic_table.replication_for(connection))
    _report(_run(topic_table.apply(connection, Topics(prefix), partitions, factor)))


@topics_app.command(name="verify")
def verify_topics(
    kafka: Kafka = None,
    prefix: Prefix = DEFAULT_PREFIX,
    partitions: Partitions = DEFAULT_PARTITIONS,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Say what differs from the contract; exit code 1 if anything does."""
    connection = _or_exit(lambda: _connection(kafka, state_dir))
    _report(_run(topic_table.verify(connection, Topics(prefix), partitions)))


def _connection(kafka: str | None, state_dir: Path) -> KafkaConnection:
    servers = kafka or Target.choose(None, None, state_dir).bootstrap_servers
    return KafkaConnection(bootstrap_servers=servers)


def _report(differences: list[str]) -> None:
    for sentence in differences:
        sys.stderr.write(f"{sentence}\n")
    if differences:
        sys.exit(1)
    sys.stdout.write("The topics are as the contract says.\n")


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return _or_exit(lambda: asyncio.run(work))


def _or_exit(step: Callable[[], Result]) -> Result:
    """Turn what a user can mend into one message and exit code 1."""
    try:
        return step()
    except _MENDABLE as error:
        sys.exit(f"geophone: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
