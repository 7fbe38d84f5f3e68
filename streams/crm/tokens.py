"""Access tokens: got once, shared by all calls, renewed before they expire or when refused.

The grants are oauthlib's, which does no I/O: client credentials (RFC 6749, 4.4) and JWT bearer
(RFC 7523, 2.1). Secrets are read again at each renewal, so that rotation needs no restart.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, Protocol

import jwt
from aiohttp import ClientError, ClientSession, ClientTimeout
from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error, ServiceApplicationClient

from streams.crm import Unavailable
from streams.crm.answer import retry_after
from streams.crm.connection import beginning
from streams.crm.retry import RETRY_AFTER_CAP_SECONDS

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_MARGIN = 0.1  # of a token's life: renewed that much before its end
_REST_SECONDS = 5.0  # after a failure: who fails too often is locked out
_ASSERTION_SECONDS = 120  # Salesforce takes 180 at most; clocks differ
_BODY_LIMIT = 256 * 1024
_CODE = re.compile(r"[\w.-]{1,64}", re.ASCII)  # as an error is named; anything else may quote us


@dataclass(frozen=True)
class Token:
    """An access token and the moment, by `time.monotonic`, from which it is to be renewed."""

    text: str = field(repr=False)
    renew_at: float = float("inf")


class Tokens(Protocol):
    """Where `Caller` gets its tokens."""

    async def token(self, session: ClientSession, spent: Token | None = None) -> Token:
        """Return a token that is good by all we know, and not `spent`, which the CRM refused.

        Raises:
            Unavailable: there is none to be had now.
        """


class Static:
    """A token that does not expire; read again when the CRM refuses it."""

    def __init__(self, read: Callable[[], str]) -> None:
        self._read = read
        self._token: Token | None = None

    async def token(self, session: ClientSession, spent: Token | None = None) -> Token:
        """See `Tokens`."""
        del session
        if self._token is None or self._token is spent:
            self._token = Token(self._read())
        return self._token


@dataclass(frozen=True)
class Grant:
    """The form that asks for a token, and the oauthlib client that reads the answer."""

    client: BackendApplicationClient | ServiceApplicationClient
    form: str = field(repr=False)


def client_credentials(client_id: str, secret: str, scope: str | None = None) -> Grant:
    """Return the grant of RFC 6749, 4.4, the client's secret in the form."""
    client = BackendApplicationClient(client_id)
    form = client.prepare_request_body(scope=scope, include_client_id=True, client_secret=secret)
    return Grant(client, form)


def jwt_bearer(client_id: str, private_key: str, subject: str, audience: str) -> Grant:
    """Return the grant of RFC 7523, 2.1, signed by RS256 and good for two minutes.

    Raises:
        Unavailable: the private key is none, or the public half of one.
    """
    client = ServiceApplicationClient(
        client_id, private_key=private_key, subject=subject, issuer=client_id, audience=audience
    )
    expires_at = time.time() + _ASSERTION_SECONDS
    try:
        return Grant(client, client.prepare_request_body(expires_at=expires_at))
    except (jwt.InvalidKeyError, AttributeError, ValueError, TypeError):
        # `from None`: what it came from may hold the key.
        raise Unavailable("the private key is no RSA key in PEM") from None


class OAuth:
    """Tokens from an OAuth 2.0 token endpoint.

    `grant` is asked at each renewal. `timeout`: seconds that asking may take. `life`: seconds a
    token is believed to live where the answer does not say.
    """

    def __init__(
        self,
        url: str,
        grant: Callable[[], Grant],
        timeout: float,
        *,
        life: float = 900.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._grant = grant
        self._timeout = timeout
        self._life = life
        self._now = now
        self._failure: tuple[str, float] = ("", 0.0)
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None

    async def token(self, session: ClientSession, spent: Token | None = None) -> Token:
        """See `Tokens`. However many ask at once, the endpoint is asked once."""
        token = self._token
        if token and token is not spent and self._now() < token.renew_at:
            return token
        if self._renewal is None:
            self._raise_if_resting()
            self._renewal = asyncio.ensure_future(self._renew(session))
            self._renewal.add_done_callback(self._renewed)
        # One caller's cancellation must not take the token from the others.
        return await asyncio.shield(self._renewal)

    def _raise_if_resting(self) -> None:
        reason, until = self._failure
        if (left := until - self._now()) > 0:
            raise Unavailable(reason, left)

    def _renewed(self, renewal: asyncio.Task[Token]) -> None:
        self._renewal = None
        if renewal.cancelled():
            return
        if (error := renewal.exception()) is None:
            self._token = renewal.result()
        elif isinstance(error, Unavailable):
            wish = min(error.retry_after or 0.0, RETRY_AFTER_CAP_SECONDS)
            self._failure = (error.reason, self._now() + max(_REST_SECONDS, wish))

    async def _renew(self, session: ClientSession) -> Token:
        grant = self._grant()
        began = self._now()
        try:
            body = await self._post(session, grant.form)
            return self._read(grant.client.parse_request_body_response(body), began)
        except TimeoutError as error:
            raise Unavailable(f"no token within {self._timeout:g} s") from error
        except (ClientError, OSError) as error:
            raise Unavailable(f"no token: {type(error).__name__}") from error
        except OAuth2Error as error:
            # `from None`: the error's text and request hold what the endpoint and we have said.
            code = error.error if _CODE.fullmatch(str(error.error)) else "refused"
            raise Unavailable(f"no token: {code}: check the credentials") from None
        except (AttributeError, OverflowError, TypeError, ValueError):
            # JSON, but no object, no numbers in it, or a token that is none.
            raise Unavailable("no token: the token endpoint's answer is none") from None

    def _read(self, found: Mapping[str, Any], began: float) -> Token:
        text, life = found["access_token"], found.get("expires_in")
        if not (isinstance(text, str) and text and text.isascii() and text.isprintable()):
            raise ValueError("can stand in no header")
        seconds = self._life if life is None else float(life)
        return Token(text, began + seconds * (1 - _MARGIN))

    async def _post(self, session: ClientSession, form: str) -> str:
        async with session.post(
            self._url,
            data=form,
            headers=_FORM,
            timeout=ClientTimeout(total=self._timeout),
            allow_redirects=False,
        ) as response:
            if response.status in _BUSY or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                wish = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                raise Unavailable(f"no token: HTTP {response.status}", wish)
            return (await beginning(response, _BODY_LIMIT)).decode(errors="replace")
