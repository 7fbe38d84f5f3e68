"""Clients that wear a server down; a process of their own, so that honest ones are not slowed.

`python -m tests.attackers KIND PORT COUNT SECONDS` opens COUNT connections and keeps them for as
long as it is let, SECONDS at most. Prints one JSON object: how many were opened and closed by the
server, and after how many seconds the last one was.
"""

import asyncio
import json
import socket
import sys
import time
from collections.abc import Awaitable, Callable

HEAD = b"POST /webhook HTTP/1.1\r\nHost: t\r\n"
VERIFICATION = b'{"type":"verification","challenge":"' + b"a" * 1000 + b'"}'
ANSWERED = HEAD + b"Content-Length: %d\r\n\r\n" % len(VERIFICATION) + VERIFICATION
PAUSE_SECONDS = 1.0
SMALL = 2304
"""What the kernel takes for a caller that does not read: as little as it lets itself be told."""


class Attacker:
    """One connection; `closed_after` in seconds."""

    def __init__(self, port: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._port = port
        self._socket = socket.socket()
        self._socket.setblocking(False)  # noqa: FBT003 - the socket's own signature
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.opened = False
        self.closed_after: float | None = None

    async def run(self, attack: Callable[["Attacker"], Awaitable[None]]) -> None:
        started = time.monotonic()
        with self._socket:
            try:
                await self._loop.sock_connect(self._socket, ("127.0.0.1", self._port))
                self.opened = True
                await attack(self)
            except OSError:
                self.closed_after = time.monotonic() - started

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def slowly(self, first: bytes, drop: bytes) -> None:
        """Send a little at a time; reading tells whether the server hung up."""
        await self.send(first)
        reading = asyncio.create_task(self._until_closed())
        while not reading.done():
            await self.send(drop)
            await asyncio.wait({reading}, timeout=PAUSE_SECONDS)
        raise ConnectionResetError

    async def unread(self) -> None:
        """Ask and ask, and never read an answer."""
        while True:
            await self.send(ANSWERED * 4)
            await asyncio.sleep(PAUSE_SECONDS / 2)

    async def _until_closed(self) -> None:
        while await self._loop.sock_recv(self._socket, 4096):
            pass


async def slow_head(attacker: Attacker) -> None:
    await attacker.slowly(HEAD, b"X-a: b\r\n")


async def slow_body(attacker: Attacker) -> None:
    await attacker.slowly(HEAD + b"Content-Length: 1000\r\n\r\n", b"a")


async def silent(attacker: Attacker) -> None:
    await attacker.slowly(b"", b"")


async def slow_read(attacker: Attacker) -> None:
    await attacker.unread()


KINDS = {each.__name__: each for each in (slow_head, slow_body, slow_read, silent)}


async def main(kind: str, port: int, count: int, seconds: float) -> None:
    attackers = [Attacker(port) for _ in range(count)]
    tasks = [asyncio.create_task(each.run(KINDS[kind])) for each in attackers]
    _, rest = await asyncio.wait(tasks, timeout=seconds)
    for task in rest:
        task.cancel()
    after = [each.closed_after for each in attackers if each.opened and each.closed_after]
    opened = sum(each.opened for each in attackers)
    print(json.dumps({"opened": opened, "closed": len(after), "last": max(after, default=0)}))  # noqa: T201 - its result


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
