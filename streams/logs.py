"""Structured JSON logs, one line each, for our own events and for the libraries' alike.

Tracebacks come without local variables: those hold bodies, and with them people.
"""

import logging
import sys

import structlog

_QUIET = {
    "aiokafka": "WARNING",
    # It repeats at error level, ten times a second, that a coordinator is being elected.
    "aiokafka.consumer.group_coordinator": "CRITICAL",
    "faust": "WARNING",
    "mode": "WARNING",
}


def configure(level: str) -> None:
    """Send everything to standard output as JSON lines; `level` is a logging level's name."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        ),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processor=structlog.processors.JSONRenderer()
        )
    )
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name, least in _QUIET.items():
        logging.getLogger(name).setLevel(least)
