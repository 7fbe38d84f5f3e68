"""One HTTP call to a CRM: paced, with a token that is renewed when the CRM refuses it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar
from yarl import URL

from streams.crm import Request, Unavailable
from streams.crm.answer import Answer, retry_after
from streams.crm.limits import Limits
from streams.crm.pace import Pace
from streams.crm.tokens import Token, Tokens

_BODY_LIMIT = 4 * 1024 * 1024  # several times the answer to the largest batch
_REST_SECONDS = 1.0  # where a CRM complains and names no time
_OVERTAXED = frozenset({HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE})
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BadAddress(ValueError):
    """The operator's URL of the CRM cannot be used; the message does not repeat it."""


def base_url(url: str) -> str:
    """Return the URL without its trailing slash.

    Raises:
        BadAddress: not https (http to this machine alone), no host, or more than a host and path.
    """
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname, parts.scheme == "http"
        usable = host and parts.port != 0 and not (parts.query or parts.fragment or parts.username)
    except ValueError:
        host, plain, usable = None, False, False
    if not usable or not (parts.scheme == "https" or (plain and host in _LOOPBACK)):
        raise BadAddress("the CRM's URL must be like https://crm.example.com")
    return url.rstrip("/")


def refused_token(answer: Answer) -> bool:
    """Say whether the answer means that the token is no longer good: 401."""
    return answer.status == HTTPStatus.UNAUTHORIZED


def overtaxed(answer: Answer) -> bool:
    """Say whether the answer means that the CRM is asked too much: 429 or 503."""
    return answer.status in _OVERTAXED


def wish(answer: Answer, now: datetime) -> float | None:
    """Return the seconds that Retry-After asks for, if any."""
    return retry_after(answer.headers.get("Retry-After"), now)


@dataclass(frozen=True)
class Manners:
    """How one CRM says certain things.

    `refused_token`: the token has to be renewed. `overtaxed`: it is asked too much, fewer calls at
    once. `wish`: the seconds until the next call, which any answer may ask for.
    """

    refused_token: Callable[[Answer], bool] = refused_token
    overtaxed: Callable[[Answer], bool] = overtaxed
    wish: Callable[[Answer, datetime], float | None] = wish


class Caller:
    """Sends requests to one CRM. A session given from outside stays open; its own is closed."""

    def __init__(
        self,
        url: str,
        limits: Limits,
        tokens: Tokens,
        session: ClientSession | None = None,
        manners: Manners | None = None,
    ) -> None:
        self._url = base_url(url)
        self._limits = limits
        self._tokens = tokens
        self._session = session
        self._own: ClientSession | None = None
        self._manners = manners or Manners()
        self._pace: Pace | None = None

    async def send(self, request: Request) -> Answer:
        """Return the CRM's answer, whatever its status, once it is read to its end.

        A refused token is renewed and the request sent a second time; the answer to that counts.

        Raises:
            Unavailable: no answer in time, no connection, no token, or a rest that the CRM wants.
        """
        session = self._open()
        token = await self._tokens.token(session)
        answer = await self._paced(session, request, token)
        if not self._manners.refused_token(answer):
            return answer
        token = await self._tokens.token(session, spent=token)
        return await self._paced(session, request, token)

    async def close(self) -> None:
        """Close the session that was made here."""
        if self._own is not None:
            await self._own.close()

    async def _paced(self, session: ClientSession, request: Request, token: Token) -> Answer:
        pace = self._pace = self._pace or Pace(self._limits)
        async with pace.call() as call:
            try:
                answer = await self._exchange(session, request, token)
            except TimeoutError as error:
                call.overtaxed = True
                raise Unavailable(f"no answer within {self._limits.timeout:g} s") from error
            except (ClientError, OSError) as error:
                raise Unavailable(f"no answer: {type(error).__name__}") from error
            call.overtaxed = self._manners.overtaxed(answer)
            self._heed(pace, answer, overtaxed=call.overtaxed)
            return answer

    def _heed(self, pace: Pace, answer: Answer, *, overtaxed: bool) -> None:
        seconds = self._manners.wish(answer, datetime.now(UTC))
        if seconds is None and overtaxed:
            seconds = _REST_SECONDS
        if seconds:
            pace.rest(seconds)

    async def _exchange(self, session: ClientSession, request: Request, token: Token) -> Answer:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "geophone",
        }
        async with session.request(
            request.method,
            URL(self._url + request.path, encoded=True),
            data=request.body,
            headers={**headers, **request.headers, "Authorization": f"Bearer {token.text}"},
            timeout=ClientTimeout(total=self._limits.timeout),
            allow_redirects=False,
        ) as response:
            body = bytearray()
            while len(body) < _BODY_LIMIT and (chunk := await response.content.readany()):
                body += chunk
            return Answer(response.status, response.headers, bytes(body[:_BODY_LIMIT]))

    def _open(self) -> ClientSession:
        # Not in __init__: a session belongs to the loop that runs when it is made.
        if self._session is None:
            self._session = self._own = ClientSession(cookie_jar=DummyCookieJar())
        return self._session
