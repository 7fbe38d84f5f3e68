"""The session that calls to a CRM go through, and how much of an answer is read."""

from urllib.request import getproxies_environment

from aiohttp import ClientResponse, ClientSession, DummyCookieJar, TCPConnector


def session() -> ClientSession:
    """Return a new session; it belongs to the loop that runs.

    It has no limit of connections: `streams.crm.pace` has one of calls, and waiting for a
    connection would count as waiting for the CRM.

    A proxy is what HTTPS_PROXY, HTTP_PROXY and NO_PROXY say. Without one nothing is taken from the
    environment: with `trust_env` aiohttp would look into ~/.netrc for each call as well.
    """
    return ClientSession(
        connector=TCPConnector(limit=0),
        cookie_jar=DummyCookieJar(),
        trust_env=bool(getproxies_environment()),
    )


async def beginning(response: ClientResponse, limit: int) -> bytes:
    """Return at most `limit` bytes of the answer's body, in however many pieces they come.

    Raises:
        ClientError, OSError, TimeoutError: the rest of them does not come.
    """
    body = bytearray()
    while len(body) < limit and (chunk := await response.content.readany()):
        body += chunk
    return bytes(body[:limit])
