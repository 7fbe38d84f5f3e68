"""`geophone-streams`: environment → settings → topic check → Faust worker."""

import argparse
import asyncio
import gc
import sys
from contextlib import closing
from typing import NoReturn

import faust
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas.settings import complaints
from schemas.topics import Topic
from streams import logs, topics
from streams.app import create_app
from streams.exit import ExitCode
from streams.settings import STAGES, Settings

YOUNG_OBJECTS = 50_000
"""How many new objects the garbage collector waits for. Records are freed without it; with Python's
700 it looks at all that are waiting again and again, for a fifth of the CPU of an event."""


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run until told to stop; see `streams.exit` for how it may end."""
    options = _parser().parse_args(arguments)
    with closing(asyncio.new_event_loop()) as loop:
        # Faust takes the thread's loop, and from Python 3.14 on a thread has none unasked.
        asyncio.set_event_loop(loop)
        try:
            _run(options, loop)
        finally:
            asyncio.set_event_loop(None)


def _run(options: argparse.Namespace, loop: asyncio.AbstractEventLoop) -> NoReturn:
    try:
        settings = Settings(stages=options.stages) if options.stages else Settings()
        settings.check_files()
        app = create_app(settings)
    except (ValidationError, ValueError, LookupError, OSError) as error:
        _refuse(_explain(error))
    if options.check:
        sys.stdout.write(f"Settings are valid: {', '.join(settings.stages)}.\n")
        sys.exit(0)
    logs.configure(settings.log_level)
    _check_topics(settings, loop)
    worker = faust.Worker(
        app, override_logging=False, quiet=True, redirect_stdouts=False, loglevel=None, loop=loop
    )
    worker.spinner = None
    spare_the_collector()
    worker.execute_from_commandline()


def spare_the_collector() -> None:
    """Let it look at what is new, seldom, and never again at what is here now."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="geophone-streams",
        description="Deduplicate, split and act on the events of the raw topic.",
        epilog=_variables(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--stages", help=f"stages to run here, comma separated (default: {','.join(STAGES)})"
    )
    parser.add_argument("--check", action="store_true", help="check the settings and exit")
    return parser


def _variables() -> str:
    lines = ["environment variables:"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f" [{_plain(field.default)}]"
        lines.append(f"  GEOPHONE_{name.upper()}{default}\n      {field.description}")
    return "\n".join(lines)


def _plain(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _explain(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(complaints(error))


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"geophone-streams cannot start: {why}. See geophone-streams --help.\n")
    sys.exit(ExitCode.CONFIG)


def _check_topics(settings: Settings, loop: asyncio.AbstractEventLoop) -> None:
    if settings.topic_mode == "off":
        return
    client, needed = settings.connection().client_arguments(), _needed(settings)
    try:
        found = loop.run_until_complete(
            topics.ensure(
                client,
                needed,
                settings.topic_partitions,
                settings.topic_replication,
                create=settings.topic_mode == "create",
            )
        )
        # Asking for a topic that is missing may create it, where the broker does that.
        if not found:
            loop.run_until_complete(topics.warn_of_single_copies(client, needed))
    except (KafkaError, OSError) as error:
        sys.stderr.write(
            f"geophone-streams cannot reach Kafka at {settings.kafka_bootstrap_servers}: {error}\n"
        )
        sys.exit(ExitCode.FAILED)
    if found:
        _refuse(f"{'; '.join(found)}. Run `geophone topics apply`, or set GEOPHONE_TOPIC_MODE")


def _needed(settings: Settings) -> list[Topic]:
    """Everything but the ingress's own: a stage reads what another one writes."""
    table = settings.topics()
    return [topic for topic in table if topic is not table.lifecycle]


if __name__ == "__main__":
    main()
