"""The command `geophone`: what a person runs."""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from aiokafka.errors import KafkaConnectionError, KafkaError
from rich.console import Console

from ops import environment, send, show
from ops import topics as topic_table
from ops.child import ChildFailed
from ops.crm import redrive
from ops.crm.command import crm_app
from ops.crm.redrive import Chosen
from ops.demo import run as demo
from ops.environment import Environment
from ops.kafka.errors import LocalKafkaError
from ops.ports import HIGHEST
from ops.progress import Progress
from ops.prove.command import prove
from ops.reader import UnknownTopic
from ops.send import Plan
from ops.stack import DEFAULT_PORT, Choice, Stack, StackFailed
from ops.state import StateInUse
from ops.target import NoTarget, Target
from ops.up import keep_running
from schemas.connection import KafkaConnection
from schemas.topics import DEFAULT_PARTITIONS, DEFAULT_PREFIX

Result = TypeVar("Result")
_MENDABLE = (
    ChildFailed,
    KafkaError,
    LocalKafkaError,
    NoTarget,
    OSError,
    StackFailed,
    StateInUse,
    UnknownTopic,
    ValueError,
)


class LastWords(logging.Handler):
    """Remembers the last error: aiokafka's exception says only that it found no way in."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said = record.getMessage()


_last_words = LastWords()

app = typer.Typer(
    help="Receives Seismic's webhooks and turns them into Kafka topics that other services can "
    "trust. These commands run it on this machine, feed it, and look into it.",
    epilog="Begin with `geophone demo`; then `geophone up`, and `geophone send` beside it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
topics_app = typer.Typer(
    help="Create the Kafka topics that geophone uses, or check them.", no_args_is_help=True
)
app.add_typer(topics_app, name="topics")
app.add_typer(crm_app, name="crm")
app.command()(prove)


def _address(value: str | None) -> str | None:
    """Refuse what is not HOST:PORT, or several of them with commas."""
    for part in value.split(",") if value is not None else ():
        host, _, port = part.rpartition(":")
        if not (host and port.isdecimal() and 0 < int(port) <= HIGHEST):
            raise typer.BadParameter(f"{part!r} is not HOST:PORT, as in localhost:9092")
    return value


Kafka = Annotated[
    str | None,
    typer.Option(
        callback=_address,
        help="HOST:PORT of Kafka; else, and how to log in, from GEOPHONE_KAFKA_… as the services "
        "have it; else the local stack's.",
    ),
]
StateDir = Annotated[Path, typer.Option(help="Folder of the local stack: data, logs, stack.json.")]
DEFAULT_STATE_DIR = Path(".geophone")


@app.command()
def up(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    state_dir: StateDir = DEFAULT_STATE_DIR,
    port: Annotated[
        int, typer.Option(min=0, max=HIGHEST, help="Port of the first receiver; 0 picks free ones.")
    ] = DEFAULT_PORT,
    brokers: Annotated[int, typer.Option(help="Kafka servers of our own: 1 or 3.")] = 1,
    ingresses: Annotated[
        int, typer.Option(min=1, help="Processes that receive webhooks, on ports in a row.")
    ] = 1,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes that sort events and act on them.")
    ] = 1,
    kafka: Annotated[
        str | None,
        typer.Option(callback=_address, help="HOST:PORT of a Kafka to use instead of our own."),
    ] = None,
) -> None:
    """Run all of it on this machine until Ctrl-C: Kafka, receivers, workers, a CRM to try.

    Prints what to do next. The next `up` goes on with the same data.
    """
    console = Console()
    choice = Choice(state_dir, port, brokers, ingresses, workers, kafka)
    with Progress(console) as progress:
        stack = _or_exit(lambda: Stack(choice, progress.say))
        _run(keep_running(stack, console, progress))


@app.command(name="demo")
def run_demo(
    state_dir: Annotated[
        Path, typer.Option(help="Folder of the demo; emptied at the start of each run.")
    ] = DEFAULT_STATE_DIR / "demo",
) -> None:
    """Run all of it once, play Seismic, show what came of each delivery, and check it.

    Exit code 0 only if everything is right; what is wrong is named.
    """
    sys.exit(0 if _run(demo.play(state_dir, Console())) else 1)


@app.command(name="send")
def play_seismic(  # noqa: PLR0913, PLR0917 - a command's options are its parameters
    event_type: Annotated[
        str, typer.Option("--type", help="Event type in any case, e.g. email-v3.")
    ] = "email-v3",
    tenant: Annotated[str, typer.Option(help="tenantId of the events.")] = "tenant-1",
    times: Annotated[int, typer.Option(min=1, help="Deliver each event so many times.")] = 1,
    count: Annotated[int, typer.Option(min=1, help="How many different events.")] = 1,
    rate: Annotated[float, typer.Option(min=0.001, help="Deliveries per second.")] = 10.0,
    retries: Annotated[
        int, typer.Option(min=0, max=3, help="Tries after a failure, 5, 25 and 150 s later.")
    ] = 1,
    body: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Send this file instead.")
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where to deliver; to the local stack if unset.")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="File with the signing secret; else, with --url, from GEOPHONE_SECRETS as the "
            "ingress has it; else the local stack's.",
        ),
    ] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Play Seismic: sign made-up events and deliver them, again where it would try again.

    Exit code 1 if a delivery was not accepted in the end.
    """
    plan = _or_exit(lambda: Plan.of(event_type, tenant, times, count, rate, retries, body))
    target = _or_exit(lambda: Target.choose(url, secret_file, state_dir))
    sys.exit(0 if _run(send.run(plan, target, Console())) else 1)


@app.command()
def read(
    topic: Annotated[str, typer.Argument(help="Topic name, e.g. seismic.event.email-v3.")],
    *,
    follow: Annotated[bool, typer.Option(help="Go on with what comes, until Ctrl-C.")] = False,
    kafka: Kafka = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Print the records of a topic: partition and offset, tenant, type, body.

    Like any well-behaved consumer it sees only what is final.
    """
    told = _or_exit(lambda: environment.read(kafka))
    connection = _or_exit(lambda: _connection(told, state_dir))
    _run(show.records(connection, topic, Console(), follow=follow))


_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
Prefix = Annotated[
    str | None,
    typer.Option(
        help=f"First part of every topic's name; else GEOPHONE_TOPIC_PREFIX, else {DEFAULT_PREFIX}"
    ),
]
Partitions = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Partitions of each topic, fixed once there are events; else "
        f"GEOPHONE_TOPIC_PARTITIONS, else {DEFAULT_PARTITIONS}.",
    ),
]


@topics_app.command(name="apply")
def apply_topics(
    kafka: Kafka = None,
    prefix: Prefix = None,
    partitions: Partitions = None,
    replication: Annotated[
        int | None, typer.Option(min=1, help="Replicas; 3, or fewer on a smaller cluster.")
    ] = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Create the topics that are missing; never changes one that exists.

    Exit code 1 if one exists with another number of partitions.
    """
    told = _or_exit(lambda: environment.read(kafka, prefix))
    connection = _or_exit(lambda: _connection(told, state_dir))
    factor = replication or _run(topic_table.replication_for(connection))
    wanted = partitions or told.topic_partitions
    _report(_run(topic_table.apply(connection, told.topics(), wanted, factor)))


@topics_app.command(name="verify")
def verify_topics(
    kafka: Kafka = None,
    prefix: Prefix = None,
    partitions: Partitions = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Say which topics are missing or have another number of partitions; changes nothing.

    Exit code 1 if there are any.
    """
    told = _or_exit(lambda: environment.read(kafka, prefix))
    connection = _or_exit(lambda: _connection(told, state_dir))
    wanted = partitions or told.topic_partitions
    _report(_run(topic_table.verify(connection, told.topics(), wanted)))


@crm_app.command(name="redrive")
def redrive_dead_letters(  # noqa: PLR0913 - a command's options are its parameters
    *,
    tenant: Annotated[
        list[str] | None, typer.Option(help="tenantId; may be said several times. Else of all.")
    ] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_TIMES, help="Whose event arrived since, UTC."),
    ] = None,
    until: Annotated[
        datetime | None, typer.Option(formats=_TIMES, help="Whose event arrived before, UTC.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask: for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is meant.")] = False,
    kafka: Kafka = None,
    prefix: Prefix = None,
    state_dir: StateDir = DEFAULT_STATE_DIR,
) -> None:
    """Give the CRM those commands again that it refused for good, once the cause is mended.

    Shows which are meant, by tenant and reason, and asks. What the CRM has by now stays as it is,
    so to repeat this does no harm.
    """
    which = Chosen(frozenset(tenant or ()), _utc(since), _utc(until))
    told = _or_exit(lambda: environment.read(kafka, prefix))
    connection = _or_exit(lambda: _connection(told, state_dir))
    console = Console()
    letters = _run(redrive.run(connection, told.topics(), which, console))
    if not letters:
        sys.stdout.write("There are no such dead letters.\n")
    elif dry_run:
        sys.stdout.write(f"{len(letters)} commands would be given to the CRM again.\n")
    elif yes or typer.confirm(f"Give {len(letters)} commands to the CRM again?"):
        _run(redrive.write(connection, told.topics(), letters, console))
        sys.stdout.write(f"{len(letters)} commands are in {told.topics().task.name} again.\n")
    else:
        sys.exit(1)


def _utc(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=UTC) if moment else None


def _connection(told: Environment, state_dir: Path) -> KafkaConnection:
    """Go where we are told to, and to the local stack if nothing says where Kafka is."""
    if told.names_a_cluster:
        return told.connection()
    local = Target.choose(None, None, state_dir).bootstrap_servers
    return KafkaConnection(bootstrap_servers=local)


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
    except KafkaConnectionError as error:
        sys.exit(
            "geophone: no Kafka answers, or it does not let us in; is it running, are the address "
            f"and GEOPHONE_KAFKA_… right? ({_last_words.said or error})"
        )
    except _MENDABLE as error:
        sys.exit(f"geophone: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    # What matters of its warnings reaches the user as an error of ours that says what to do.
    logging.getLogger("aiokafka").handlers = [_last_words]
    logging.getLogger("aiokafka").propagate = False
    app()


if __name__ == "__main__":
    main()
