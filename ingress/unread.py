"""Does a caller take its answers? Told by how many bytes wait, from one look to the next."""

import fcntl
import sys
import termios
from typing import Any


class Unread:
    """The answers of one connection that wait, in the process and in the kernel."""

    def __init__(self, now: float) -> None:
        self._bytes = 0
        self._since = now

    def seconds(self, transport: Any, now: float) -> float:
        """Look again; return for how long the caller has taken nothing of what waits for it."""
        waiting = transport.get_write_buffer_size() + _queued(transport)
        if not waiting or waiting < self._bytes:
            self._since = now
        self._bytes = waiting
        return now - self._since


def _queued(transport: Any) -> int:
    """Return how many bytes the kernel has for the caller, which has not acknowledged them."""
    queued = fcntl.ioctl(transport.get_extra_info("socket"), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(queued, sys.byteorder)
