"""Asks another process of ours on its admin port."""

import asyncio
from urllib.parse import urlsplit

ANSWER_SECONDS = 1.0
"""A process whose event loop turns answers within milliseconds."""
OK = 200
_GET = b"GET %b HTTP/1.1\r\nhost: worker\r\nconnection: close\r\n\r\n"


async def ask(url: str, path: str) -> tuple[int, str] | None:
    """Return status and body; None if there is no answer, no whole one, or none in time."""
    where = urlsplit(url)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(where.hostname, where.port)
            try:
                writer.write(_GET % path.encode())
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                body = await reader.readexactly(_length(head))
            finally:
                writer.close()
        return int(head.split(" ", 2)[1]), body.decode()
    except (OSError, EOFError, TimeoutError, ValueError, LookupError):
        return None


def _length(head: str) -> int:
    named = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
    return int(named["content-length"])
