"""A fake Dataverse environment, and the Entra tenant that signs the application in.

`State.missing` takes: "credentials" (the secret is not the application's), "application user" (it
has none), "Dynamics 365 Sales" (no leads, no opportunities), "users" (none to be seen), and the
name of any privilege, or "Global" and a name (held for its own records alone). `State.refused`: see
`refused`.
"""

import sys
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web

from tests.crm_fakes import dynamics_batch
from tests.crm_fakes.dynamics_store import Asked, Reply, Store, Trouble
from tests.crm_fakes.process import main
from tests.crm_fakes.server import Fake, State, form

TENANT_ID = "7c1f0000-0000-4000-8000-0000000000e1"
CLIENT_ID = "5e2d0000-0000-4000-8000-0000000000c1"
CLIENT_SECRET = "canary-client-secret"
LIFE_SECONDS = 3599
_REQUESTS_IN_FIVE_MINUTES = 6000


class Dynamics(Fake):
    """The server; what it answers is `Store`'s doing."""

    def __init__(self, state: State | None = None) -> None:
        super().__init__(state)
        self._store: Store | None = None
        self._answered = 0

    @property
    def environment(self) -> Store:
        """The rows; made when it is served, since answers name its address."""
        self._store = self._store or Store(self.state, self._tasks, self.store, self.url)
        return self._store

    def routes(self) -> Iterable[web.RouteDef]:
        return [
            web.post("/{tenant}/oauth2/v2.0/token", self._token),
            web.post("/api/data/v9.2/$batch", self._batch),
            web.route("*", "/api/data/v9.2/{rest:.+}", self._one),
        ]

    def operation(self, request: web.Request) -> str:
        if request.path.endswith("/oauth2/v2.0/token"):
            return "token"
        if request.method == "PATCH" or request.path.endswith("/$batch"):
            return "create"
        return "check" if "(" in request.path or request.path.endswith("/WhoAmI") else "lookup"

    def unauthorized(self) -> web.Response:
        challenge = f"Bearer authorization_uri={self.url}/{TENANT_ID}/oauth2/authorize"
        return web.Response(
            status=401,
            text="HTTP Error 401 - Unauthorized: Access is denied",
            headers={"WWW-Authenticate": f"{challenge}, resource_id={self.url}/"},
        )

    def delete(self, key: object) -> None:
        """Do as a person does who deletes the task."""
        del self._tasks[str(key)]

    async def _token(self, request: web.Request) -> web.Response:
        asked = dict(form(await request.read()))
        trouble = self._refusal(request.match_info["tenant"], asked)
        if trouble:
            status, error, code = trouble
            description = f"AADSTS{code}: Trace ID: 0"
            body = {"error": error, "error_description": description, "error_codes": [code]}
            return web.json_response(body, status=status)
        token = {"token_type": "Bearer", "expires_in": LIFE_SECONDS, "access_token": self.issue()}
        return web.json_response(token)

    def _refusal(self, tenant: str, asked: dict[str, str]) -> tuple[int, str, int] | None:
        if tenant != TENANT_ID:
            return 400, "invalid_request", 90002
        if asked.get("grant_type") != "client_credentials":
            return 400, "unsupported_grant_type", 70003
        if asked.get("client_id") != CLIENT_ID:
            return 400, "unauthorized_client", 700016
        secret = asked.get("client_secret")
        if secret != CLIENT_SECRET or "credentials" in self.state.missing:
            return 401, "invalid_client", 7000215
        if asked.get("scope") != f"{self.url}/.default":
            return 400, "invalid_scope", 70011
        return None

    async def _batch(self, request: web.Request) -> web.Response:
        try:
            status, content_type, body = dynamics_batch.carry_out(
                request.headers, await request.read(), self._count
            )
        except Trouble as trouble:
            return self._rendered(trouble.reply)
        headers = {"Content-Type": content_type, **self._limits()}
        return web.Response(status=status, body=body, headers=headers)

    async def _one(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(request.method, request.raw_path, headers, await request.read())
        return self._rendered(self._count(asked))

    def _count(self, asked: Asked) -> Reply:
        reply = self.environment.answer(asked)
        if reply.status == HTTPStatus.PRECONDITION_FAILED:
            self.outcomes["replayed"] += 1
        return reply

    def _rendered(self, reply: Reply) -> web.Response:
        headers = {"OData-Version": "4.0", **reply.headers, **self._limits()}
        if reply.body is None:
            return web.Response(status=reply.status, headers=headers)
        headers["Content-Type"] = "application/json; odata.metadata=minimal"
        return web.Response(status=reply.status, body=orjson.dumps(reply.body), headers=headers)

    def _limits(self) -> dict[str, str]:
        self._answered += 1
        left = max(0, _REQUESTS_IN_FIVE_MINUTES - self._answered)
        return {
            "x-ms-ratelimit-burst-remaining-xrm-requests": str(left),
            "x-ms-ratelimit-time-remaining-xrm-requests": "1,200.00",
        }


def error(code: str, message: str = "") -> dict[str, Any]:
    """Return an error's body as Dataverse writes it."""
    return {"error": {"code": code, "message": message}}


def refused(status: int, code: str, message: str) -> dict[str, Any]:
    """Return what `State.refused` holds for one subject."""
    return {"status": status, "code": code, "message": message}


if __name__ == "__main__":
    main(sys.argv[1:], Dynamics)
