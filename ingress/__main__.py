"""The command `geophone-ingress`: reads the settings once, then serves."""

import gc
import socket
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import uvloop

from ingress import logs, usage, workers
from ingress.keyring import Keyring
from ingress.listening import Unbindable
from ingress.pool import serve_pool
from ingress.server import serve
from ingress.settings import EX_CONFIG, Misconfigured, Settings, read
from ingress.tls import Tls

YOUNG_OBJECTS = 50_000
"""How many new objects the garbage collector waits for. With Python's 700, parsing a mebibyte of
empty lists takes 70 ms instead of 15; what little garbage is made here can wait."""

EX_OK, EX_UNBINDABLE, EX_USAGE = 0, 1, 64


def main() -> None:
    """Run the command and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code."""
    if arguments in (["--help"], ["-h"]):
        sys.stdout.write(usage.text())
        return EX_OK
    if arguments not in ([], ["--check"]) and arguments[0] != workers.ARGUMENT:
        sys.stderr.write(usage.HEAD)
        return EX_USAGE
    try:
        settings = read()
        if arguments == ["--check"]:
            return _check(settings)
        logs.configure(settings.log_level)
        spare_the_collector()
        uvloop.run(_serve(settings, *map(int, arguments[1:])))
    except Misconfigured as error:
        return _fail(error, EX_CONFIG)
    except Unbindable as error:
        return _fail(error, EX_UNBINDABLE)
    return EX_OK


def _serve(settings: Settings, *inherited: int) -> Coroutine[Any, Any, None]:
    """Serve alone, as the parent of workers, or as one of them with what it has `inherited`."""
    if inherited:
        listener, lifeline = inherited
        return serve(settings, socket.socket(fileno=listener), lifeline)
    if settings.workers != 1:
        return serve_pool(settings, workers.count(settings))
    return serve(settings)


def spare_the_collector() -> None:
    """Let it look at what is new, seldom, and never again at what is here now."""
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, 20, 20)


def _check(settings: Settings) -> int:
    """Read whatever the settings name, connect to nothing."""
    Keyring.of(settings)
    Tls.of(settings)
    settings.kafka_arguments()
    sys.stdout.write("The settings are valid.\n")
    return EX_OK


def _fail(error: Exception, code: int) -> int:
    sys.stderr.write(f"geophone-ingress cannot start.\n{error}\n(--help lists every variable)\n")
    return code


if __name__ == "__main__":
    main()
