"""Tokens from a token endpoint: asked once, renewed in time, and never told to anybody."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from aiohttp import ClientSession, web
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from streams.crm import Unavailable
from streams.crm.secret import InFile, reveal
from streams.crm.tokens import Grant, OAuth, Static, client_credentials, jwt_bearer

SAMPLES = Path(__file__).parents[3] / "data" / "crm" / "salesforce"


class Endpoint:
    """A token endpoint that answers by a script, the last answer for ever."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = [(200, {"access_token": "a", "expires_in": 3600})]
        self.forms: list[dict[str, list[str]]] = []
        self.headers: dict[str, str] = {}
        self.pieces = 1

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/token", self._token)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/token"
        await runner.cleanup()

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.forms.append(parse_qs(await request.text()))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json", **self.headers}
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        size = -(-len(text) // self.pieces)
        for start in range(0, len(text), size):
            await response.write(text[start : start + size].encode())
            await asyncio.sleep(0.02 * (self.pieces > 1))
        return response


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def url(endpoint: Endpoint) -> AsyncIterator[str]:
    async with endpoint.serving() as url:
        yield url


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


def grant() -> Grant:
    return client_credentials("the-client", "the secret & more", "one two")


async def test_however_many_ask_the_endpoint_is_asked_once(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    tokens = OAuth(url, grant, 5)
    found = await asyncio.gather(*(tokens.token(session) for _ in range(20)))
    assert {token.text for token in found} == {"a"}
    assert endpoint.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["the-client"],
            "client_secret": ["the secret & more"],
            "scope": ["one two"],
        }
    ]


async def test_a_refused_token_is_renewed_once_for_all_who_had_it(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    endpoint.answers = [(200, {"access_token": text}) for text in "abc"]
    tokens = OAuth(url, grant, 5)
    spent = await tokens.token(session)
    found = await asyncio.gather(*(tokens.token(session, spent) for _ in range(5)))
    assert {token.text for token in found} == {"b"}
    assert (await tokens.token(session, spent)).text == "b"
    assert (await tokens.token(session)).text == "b"


async def test_a_token_near_its_end_is_renewed(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    endpoint.answers = [(200, {"access_token": text, "expires_in": 100}) for text in "ab"]
    now = 1000.0
    tokens = OAuth(url, grant, 5, now=lambda: now)
    await tokens.token(session)
    now += 89
    assert (await tokens.token(session)).text == "a"
    now += 2
    assert (await tokens.token(session)).text == "b"


async def test_where_the_answer_names_no_end_the_life_is_assumed(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    endpoint.answers = [(200, json.loads((SAMPLES / "token.json").read_text()))]
    now = asyncio.get_running_loop().time()
    token = await OAuth(url, grant, 5, life=1000).token(session)
    assert token.text.startswith("00DS7000000oxzo!")
    assert now + 900 <= token.renew_at < now + 1000


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((400, (SAMPLES / "token-refused.json").read_text()), "invalid_grant: check the"),
        ((401, {"error": "invalid_client"}), "invalid_client: check the credentials"),
        ((200, "<html>"), "check the credentials"),
        ((200, {"access_token": "a", "expires_in": "soon"}), "the token endpoint's answer is none"),
        ((200, "[1]"), "the token endpoint's answer is none"),
        ((200, "7"), "the token endpoint's answer is none"),
        ((200, {}), "check the credentials"),
        ((200, {"access_token": "a\nb"}), "the token endpoint's answer is none"),
        ((200, {"access_token": "ключ"}), "the token endpoint's answer is none"),
        ((200, {"access_token": None}), "the token endpoint's answer is none"),
        ((200, {"access_token": ""}), "the token endpoint's answer is none"),
        ((200, '{"access_token": "a", "expires_in": 1' + "0" * 400 + "}"), "answer is none"),
        ((400, {"error": "who is sam@vendor.example? " * 50}), "^no token: refused: check the"),
        ((400, {"error": {"secret": 1}}), "^no token: refused: check the credentials$"),
        ((400, {"error": "x" * 65}), "^no token: refused: check the credentials$"),
        ((429, {}), "HTTP 429"),
        ((503, "<html>"), "HTTP 503"),
    ],
)
async def test_no_token_is_unavailable_and_not_asked_for_again_at_once(
    endpoint: Endpoint, url: str, session: ClientSession, answer: tuple[int, Any], reason: str
) -> None:
    endpoint.answers = [answer]
    tokens = OAuth(url, grant, 5)
    for _ in range(2):
        with pytest.raises(Unavailable, match=reason) as caught:
            await tokens.token(session)
    assert len(endpoint.forms) == 1
    assert caught.value.retry_after
    assert "secret" not in repr(caught.value)


async def test_after_its_rest_it_is_asked_for_again(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    endpoint.answers = [(400, {"error": "invalid_grant"}), *endpoint.answers]
    now = 1000.0
    tokens = OAuth(url, grant, 5, now=lambda: now)
    with pytest.raises(Unavailable):
        await tokens.token(session)
    now += 5
    assert (await tokens.token(session)).text == "a"


@pytest.mark.parametrize(("wish", "rest"), [("17", 17), ("1", 5), ("86400", 600), ("soon", 5)])
async def test_the_endpoints_wish_to_rest_is_kept(
    endpoint: Endpoint, url: str, session: ClientSession, wish: str, rest: float
) -> None:
    endpoint.answers = [(429, {}), *endpoint.answers]
    endpoint.headers = {"Retry-After": wish}
    now = 1000.0
    tokens = OAuth(url, grant, 5, now=lambda: now)
    for _ in range(2):
        with pytest.raises(Unavailable, match="HTTP 429") as caught:
            await tokens.token(session)
    assert caught.value.retry_after == rest
    now += rest
    assert (await tokens.token(session)).text == "a"


async def test_an_answer_that_comes_in_pieces_is_read_to_its_end(
    endpoint: Endpoint, url: str, session: ClientSession
) -> None:
    endpoint.pieces = 3
    assert (await OAuth(url, grant, 5).token(session)).text == "a"


async def test_nobody_there_is_unavailable(session: ClientSession) -> None:
    with pytest.raises(Unavailable, match="no token: Client"):
        await OAuth("http://127.0.0.1:1/token", grant, 5).token(session)


async def test_one_callers_cancellation_is_not_the_others(url: str, session: ClientSession) -> None:
    tokens = OAuth(url, grant, 5)
    first, second = (asyncio.create_task(tokens.token(session)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).text == "a"


async def test_secrets_are_read_again_at_each_renewal(
    endpoint: Endpoint, url: str, session: ClientSession, tmp_path: Path
) -> None:
    file = tmp_path / "secret"
    file.write_text("old\n")
    secret = InFile(file=file)
    tokens = OAuth(url, lambda: client_credentials("client", reveal(secret)), 5)
    spent = await tokens.token(session)
    file.write_text("new\n")
    await tokens.token(session, spent)
    assert [form["client_secret"] for form in endpoint.forms] == [["old"], ["new"]]


def test_a_bearer_assertion_is_signed_and_short_lived() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    form = parse_qs(jwt_bearer("the-client", pem, "user@x.example", "https://login").form)
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claims = jwt.decode(form["assertion"][0], key.public_key(), ["RS256"], audience="https://login")
    assert (claims["iss"], claims["sub"]) == ("the-client", "user@x.example")
    assert 0 < claims["exp"] - claims["iat"] <= 180


@pytest.mark.parametrize("key", ["", "no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_private_key_that_is_none_is_the_operators_to_mend(key: str) -> None:
    with pytest.raises(Unavailable, match="no RSA key in PEM"):
        jwt_bearer("client", key, "user", "https://login")


def test_the_public_half_of_a_key_is_none_to_sign_with() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(Unavailable, match="no RSA key in PEM"):
        jwt_bearer("client", pem, "user", "https://login")


async def test_a_static_token_is_read_again_when_it_is_refused(
    session: ClientSession, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("old")
    tokens = Static(lambda: reveal(InFile(file=file)))
    spent = await tokens.token(session)
    file.write_text("new")
    assert (await tokens.token(session)) is spent
    assert (await tokens.token(session, spent)).text == "new"


async def test_nothing_shows_a_secret(url: str, session: ClientSession) -> None:
    tokens = OAuth(url, grant, 5)
    shown = [repr(grant()), repr(await tokens.token(session)), repr(tokens)]
    assert not any("secret" in text or "'a'" in text for text in shown)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot read key: FileNotFound"), (" \n", "key is empty")]
)
def test_a_secret_that_is_not_there_is_told_by_its_files_name(
    tmp_path: Path, content: str | None, reason: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Unavailable, match=reason):
        reveal(InFile(file=file))


def test_a_secret_may_be_in_the_options_themselves() -> None:
    assert reveal(SecretStr("text")) == "text"
