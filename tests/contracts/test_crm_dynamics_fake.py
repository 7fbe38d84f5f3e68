"""The fake Dataverse says what Microsoft's pages say that the real one says."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from tests.crm_fakes.dynamics import CLIENT_ID, CLIENT_SECRET, TENANT_ID, Dynamics
from tests.crm_fakes.dynamics_store import NO_APPLICATION_USER
from tests.crm_fakes.server import State

SAMPLES = Path("tests/data/crm/dynamics")
CONTACT = UUID(int=1)
ROW = {"subject": "Follow up", "scheduledend": "2026-10-01T10:00:00Z"}
GONE = {"regardingobjectid_contact_task@odata.bind": f"/contacts({UUID(int=7)})"}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_text())


class Client:
    """Sends what a test says and returns status and body."""

    def __init__(self, fake: Dynamics, session: ClientSession) -> None:
        self.fake = fake
        self._session = session

    async def token(self, **changes: str) -> tuple[int, Any]:
        form = {
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "grant_type": "client_credentials",
            "scope": f"{self.fake.url}/.default",
        }
        url = f"{self.fake.url}/{TENANT_ID}/oauth2/v2.0/token"
        async with self._session.post(url, data=form | changes) as answer:
            return answer.status, await answer.json()

    async def send(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["Authorization"] = f"Bearer {self.fake.issue()}"
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.fake.url}/api/data/v9.2/{path}"
        async with self._session.request(method, url, data=data, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text[:1] == "{" else text


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    fake = Dynamics(State(contacts={"pat@customer.example": str(CONTACT)}))
    async with fake.serving(), ClientSession() as session:
        yield Client(fake, session)


def alike(told: tuple[int, Any], name: str) -> bool:
    """Say whether status and code are the sample's, and the message begins with its words."""
    status, body = told
    known = sample(name)["body"]["error"]
    told_words, known_words = body["error"]["message"].split(), known["message"].split()
    pairs = (
        (status, sample(name)["status"]),
        (body["error"]["code"], known["code"]),
        (told_words[:3], known_words[:3]),
    )
    return all(one == other for one, other in pairs)


async def test_tokens_are_given_and_refused_as_documented(client: Client) -> None:
    status, token = await client.token()
    assert (status, token.keys()) == (200, sample("token.json")["body"].keys())
    status, refused = await client.token(scope="https://foo.example/.default")
    documented = sample("token-invalid-scope.json")
    assert (status, refused["error"]) == (documented["status"], documented["body"]["error"])
    assert refused["error_codes"] == documented["body"]["error_codes"]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"client_secret": "old"}, (401, "invalid_client")),
        ({"client_id": "x"}, (400, "unauthorized_client")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
    ],
)
async def test_a_wrong_application_gets_no_token(
    client: Client, change: dict[str, str], error: tuple[int, str]
) -> None:
    status, body = await client.token(**change)
    assert (status, body["error"]) == error


async def test_a_row_is_created_once_and_overwritten_without_the_header(client: Client) -> None:
    path = f"tasks({uuid4()})"
    assert (await client.send("PATCH", path, ROW, If_None_Match="*"))[0] == 204
    status, body = await client.send("PATCH", path, ROW, If_None_Match="*")
    assert (status, body["error"]["message"]) == (
        412,
        sample("exists.json")["body"]["error"]["message"],
    )
    assert (await client.send("PATCH", path, {**ROW, "subject": "overwritten"}))[0] == 204
    assert (await client.send("GET", path))[1]["subject"] == "overwritten"


async def test_what_is_wrong_with_a_row_is_told_as_documented(client: Client) -> None:
    async def put(**columns: object) -> tuple[int, Any]:
        return await client.send("PATCH", f"tasks({uuid4()})", {**ROW, **columns})

    assert alike(await put(subject="x" * 201), "too-long.json")
    assert alike(await put(**GONE), "not-there.json")
    assert (await put(subjekt="x"))[0] == 400
    assert (await put(**{"ownerid@odata.bind": "nobody"}))[1]["error"]["code"] == "0x80048d19"
    client.fake.state.missing.add("prvCreateActivity")
    status, body = await put()
    assert status == 403
    assert "is missing prvCreateActivity privilege (Id=" in body["error"]["message"]


async def test_queries_and_strangers_are_answered_as_documented(client: Client) -> None:
    assert alike(await client.send("GET", "Account?$select=name"), "no-such-table.json")
    path = "contacts?$select=contactid&$filter=emailaddress1 eq 'PAT@customer.example'"
    _, found = await client.send("GET", path)
    assert [row["contactid"] for row in found["value"]] == [str(CONTACT)]
    assert (await client.send("GET", "contacts?$select=nosuch"))[0] == 400
    assert (await client.send("GET", "contacts?$select=contactid&$filter=x eq"))[0] == 400
    client.fake.state.missing.add(NO_APPLICATION_USER)
    assert alike(await client.send("GET", "WhoAmI"), "not-a-member.json")


async def test_a_batch_of_other_line_ends_is_refused_as_documented(client: Client) -> None:
    body = (SAMPLES / "batch-request.http").read_bytes()
    kind = 'multipart/mixed; boundary="batch_80dd1615-2a10-428a-bb6f-0e559792721f"'
    status, answer = await client.send("POST", "$batch", body, Content_Type=kind)
    documented = sample("stream-not-readable.json")
    assert (status, answer["error"]["code"]) == (400, documented["body"]["error"]["code"])
    status, _ = await client.send("POST", "$batch", body.replace(b"\n", b"\r\n"), Content_Type=kind)
    assert status == 405


async def test_a_token_that_is_no_longer_good_is_a_401(client: Client) -> None:
    async with (
        ClientSession() as session,
        session.get(
            f"{client.fake.url}/api/data/v9.2/WhoAmI", headers={"Authorization": "Bearer old"}
        ) as answer,
    ):
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer authorization_uri=")
