"""Does a caller take its answers? Told by what it has acknowledged, from one look to the next."""

import fcntl
import socket
import sys
import termios
from typing import Any

_TCP_INFO: int | None = getattr(socket, "TCP_INFO", None)
_ACKED = slice(120, 128)
"""Where Linux's struct tcp_info has tcpi_bytes_acked (include/uapi/linux/tcp.h)."""


class Unread:
    """The answers of one connection that wait, in the process and in the kernel.

    That something waits at every look says nothing of a busy caller: it acknowledges an answer
    with its next request, so that one of them is always on its way.
    """

    def __init__(self, now: float) -> None:
        self._bytes = 0
        self._acked = 0
        self._since = now

    def seconds(self, transport: Any, now: float) -> float:
        """Look again; return for how long the caller has taken nothing of what waits for it."""
        kernel = transport.get_extra_info("socket")
        waiting, acked = transport.get_write_buffer_size() + _queued(kernel), _acked(kernel)
        if not waiting or waiting < self._bytes or acked > self._acked:
            self._since = now
        self._bytes, self._acked = waiting, acked
        return now - self._since


def _queued(kernel: Any) -> int:
    """Return how many bytes the kernel has for the caller, which has not acknowledged them."""
    queued = fcntl.ioctl(kernel, termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(queued, sys.byteorder)


def _acked(kernel: Any) -> int:
    """Return how many bytes the caller has acknowledged; 0 where the kernel does not tell."""
    if _TCP_INFO is None:
        return 0
    told: bytes = kernel.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _ACKED.stop)
    return int.from_bytes(told[_ACKED], sys.byteorder)
