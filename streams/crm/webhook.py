"""Any HTTP endpoint as the CRM: what it is sent, and what it must answer.

One POST per command: the task command's wire form as `application/json`, `Idempotency-Key` = the
task's key, and, where a secret is set, the three headers of Standard Webhooks 1.0.0 with
`webhook-id` = the same key. The endpoint must

- answer 2xx only when the task is stored, and name its record in a JSON member `id` if it can;
- for a key it has stored before, change nothing and answer 409, or 2xx with
  `Idempotent-Replayed: true`. A 409 without `Retry-After` counts as success: while the first
  request with a key is still being worked on, answer 425 or 503;
- answer any other 4xx only for a command that it will never take. See `streams/crm/answer.py`.

With 429 and 503, `Retry-After` keeps back every delivery to it; with any other answer, that one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout
from pydantic import BaseModel, ConfigDict

from schemas.task import TaskCommand
from streams.crm import AlreadyThere, Created, Finding, Request, Unavailable
from streams.crm.answer import Answer, outcome
from streams.crm.call import overtaxed, wish
from streams.crm.connection import beginning, session
from streams.crm.limits import Limits
from streams.crm.pace import Pace
from streams.crm.secret import Secret, reveal
from streams.crm.signing import signer

_NOBODY = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REMEDY = "check the CRM's URL, and that this machine can reach it"
_BODY_LIMIT = 64 * 1024  # an answer holds an id or an error's name; more is a mistake or worse

FREELY = Limits(per_second=10_000, burst=10_000, concurrency=64)
"""One's own endpoint says itself, by 429, when it is asked too much."""


class BadEndpoint(ValueError):
    """The operator's URL or time-out cannot be used; the message does not repeat the URL."""


class _Late(Unavailable):
    """No answer came within the time-out."""


@dataclass(frozen=True)
class Endpoint:
    """Where the CRM listens: URL, Standard Webhooks secret or None, time-out in seconds.

    The time-out covers one call from connecting to the answer's end. URL and secret may hold
    credentials, so `repr` hides both.

    Raises:
        BadEndpoint: the URL is not http(s) or has no host, or the time-out is not positive.
        BadSecret: see `streams.crm.signing`.
    """

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if not _is_http(self.url):
            raise BadEndpoint("the CRM's URL must be like https://crm.example.com/tasks")
        if not self.timeout > 0:  # aiohttp takes 0 for "wait for ever"
            raise BadEndpoint("the CRM's time-out must be more than 0 s")
        if self.secret is not None:
            signer(self.secret)


class Options(BaseModel):
    """What the operator may say in a file: the Standard Webhooks secret that signs deliveries."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secret: Secret | None = None


def connect(url: str | None, options: Options, limits: Limits) -> "Webhook":
    """Return the connector to the endpoint at the URL; nothing is opened.

    Raises:
        BadEndpoint: see `Endpoint`, or there is no URL.
        BadSecret: see `streams.crm.signing`.
        Unavailable: the secret's file cannot be read.
    """
    if not url:
        raise BadEndpoint("set it to where the CRM takes tasks, or run without the crm stage")
    secret = reveal(options.secret) if options.secret is not None else None
    return Webhook(Endpoint(url, secret, limits.timeout), limits=limits)


class Webhook:
    """The connector. A session given from outside stays open; one made here is closed here."""

    def __init__(
        self,
        endpoint: Endpoint,
        session: ClientSession | None = None,
        limits: Limits = FREELY,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._pace: Pace | None = None
        self._signer = signer(endpoint.secret) if endpoint.secret is not None else None
        self._session = session
        self._own: ClientSession | None = None

    async def create(self, task: TaskCommand) -> Created | AlreadyThere:
        """See `streams.crm.CRM`."""
        answer = await self._paced(task)
        return outcome(answer, task, datetime.now(UTC))

    def preview(self, task: TaskCommand) -> Sequence[Request]:
        """See `streams.crm.CRM`."""
        path = urlsplit(self._endpoint.url).path or "/"
        return [Request("POST", path, task.encode(), _headers(str(task.key)))]

    async def check(self) -> Sequence[Finding]:
        """See `streams.crm.CRM`. It is sent OPTIONS, which by RFC 9110 is safe."""
        subject = "the endpoint answers"
        try:
            answer = await self._send("OPTIONS", None, {"User-Agent": "geophone"})
        except Unavailable as unavailable:
            return [Finding(subject, ok=False, remedy=f"{unavailable.reason}: {_REMEDY}")]
        ok = answer.status < HTTPStatus.INTERNAL_SERVER_ERROR and answer.status not in _NOBODY
        return [Finding(subject, ok, "" if ok else f"HTTP {answer.status}: {_REMEDY}")]

    async def owners(self, addresses: Sequence[str]) -> None:
        """See `streams.crm.CRM`. Who they are is the endpoint's own affair."""

    async def close(self) -> None:
        """See `streams.crm.CRM`."""
        if self._own is not None:
            await self._own.close()

    async def _paced(self, task: TaskCommand) -> Answer:
        # Not in __init__: it belongs to the loop that runs when it is made.
        pace = self._pace = self._pace or Pace(self._limits)
        async with pace.call() as call:
            try:
                answer = await self._post(task)
            except _Late:
                call.overtaxed = True
                raise
            call.overtaxed = overtaxed(answer)
            # With 409 and 425 it is a wish about this one command.
            if call.overtaxed and (seconds := wish(answer, datetime.now(UTC))):
                pace.rest(seconds)
        return answer

    async def _post(self, task: TaskCommand) -> Answer:
        body = task.encode()
        return await self._send("POST", body, self._headers(str(task.key), body))

    async def _send(self, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        try:
            return await self._exchange(method, body, headers)
        except TimeoutError as error:
            raise _Late(f"no answer within {self._endpoint.timeout:g} s") from error
        except (ClientError, OSError) as error:
            raise Unavailable(f"no answer: {type(error).__name__}") from error

    async def _exchange(self, method: str, body: bytes | None, headers: dict[str, str]) -> Answer:
        async with self._open().request(
            method,
            self._endpoint.url,
            data=body,
            headers=headers,
            timeout=ClientTimeout(total=self._endpoint.timeout),
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await _body(response))

    def _headers(self, key: str, body: bytes) -> dict[str, str]:
        return _headers(key) | self._signature(key, body)

    def _signature(self, key: str, body: bytes) -> dict[str, str]:
        if self._signer is None:
            return {}
        now = datetime.now(UTC)
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(key, now, body.decode()),
        }

    def _open(self) -> ClientSession:
        # Not in __init__: a session belongs to the loop that runs when it is made.
        if self._session is None:
            self._session = self._own = session()
        return self._session


def _headers(key: str) -> dict[str, str]:
    return {
        "Accept-Encoding": "identity",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
        "User-Agent": "geophone",
    }


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


async def _body(response: ClientResponse) -> bytes:
    try:
        return await beginning(response, _BODY_LIMIT)
    except (ClientError, OSError):
        # The status line has decided already; the body would only have added an id or a name.
        return b""
