"""Ports of this machine: free ones, and whether a certain one is free."""

import random
import socket

HOST = "127.0.0.1"
HIGHEST = 65535

_QUIET = range(20_000, 32_000)
"""Below what Linux and macOS give to outgoing connections: one of these could take the port
between the moment it is chosen and the moment its server listens."""

_DICE = random.SystemRandom()
_GIVEN: set[int] = set()
"""What this process was given: nobody may listen there yet, so that it only looks free."""


def is_free(port: int) -> bool:
    """Return whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody listens on; others each time, while there are any.

    Raises:
        OSError: there are not so many.
    """
    chosen: list[int] = []
    for port in sorted(_DICE.sample(_QUIET, len(_QUIET)), key=_GIVEN.__contains__):
        if len(chosen) == count:
            _GIVEN.update(chosen)
            return chosen
        if is_free(port):
            chosen.append(port)
    raise OSError(f"there are no {count} free ports among {_QUIET.start} to {_QUIET.stop - 1}")
