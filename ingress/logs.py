"""Structured JSON logs, one line each, for our own events and for the libraries' alike.

No line holds a secret, a signature, a body, a tenant or a query string: tracebacks come without
local variables, and aiokafka, which logs whole requests at DEBUG, is kept at INFO. What uvicorn
says of its start and end, `ingress.server` says better.
"""

import logging
import sys

import structlog
from structlog.types import Processor

_FLOORS = {"aiokafka": logging.INFO, "uvicorn": logging.WARNING}


def configure(level: str) -> None:
    """Send everything to standard output as JSON lines; `level` is a logging level's name."""
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        tracebacks,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
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
    for library, floor in _FLOORS.items():
        logging.getLogger(library).setLevel(max(floor, logging.getLevelName(level)))
