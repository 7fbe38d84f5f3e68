"""What the fake CRMs of all vendors share: one aiohttp server that tests look into and disturb.

A vendor's fake answers as that vendor documents. It keeps its state in memory: a fake that runs as
a process of its own (`python -m tests.crm_fakes.<vendor> --port-file F`) outlives a killed crm
worker, and its state ends with it. Under `/_fake/` tests of other processes find the same that
tests in this process find as methods.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from streams.crm import Request
from tests.crm_fakes.faults import Fault, Script

TOKEN = "canary-token"  # every access token that a fake gives out begins so
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class State:
    """What there is in the CRM beside tasks: ids by e-mail address, records' types by id.

    `missing`: what the organisation lacks of the set-up, by the vendor's own words. `refused`: by
    a task's subject, the error (as the vendor writes it) that creating that task earns.
    """

    users: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)
    leads: dict[str, str] = field(default_factory=dict)
    records: dict[str, str] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    refused: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, wire: str) -> "State":
        state = cls(**json.loads(wire))
        state.missing = set(state.missing)
        return state


@dataclass
class Task:
    """A task in the CRM; ids as the vendor writes them, `fields` as it was sent them."""

    id: str
    key: str
    subject: str
    due: str
    fields: dict[str, Any]
    body: str | None = None
    owner: str | None = None
    recipient: str | None = None
    related: str | None = None
    priority: str | None = None
    completed: bool = False


class Fake(ABC):
    """One vendor's CRM."""

    def __init__(self, state: State | None = None) -> None:
        self.state = state or State()
        self.script = Script()
        self.sent: list[Request] = []
        self.outcomes: Counter[str] = Counter()
        self.url = ""
        self.most_under_way = self._under_way = 0
        self._tasks: dict[str, Task] = {}
        self._ids: defaultdict[str, list[str]] = defaultdict(list)
        self._valid: set[str] = set()
        self._issued = 0
        self._late: set[asyncio.Task[web.StreamResponse]] = set()

    # What a vendor's fake brings.

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""

    @abstractmethod
    def operation(self, request: web.Request) -> str:
        """Name the operation: "token", "create", or others that scripts of faults may name."""

    @abstractmethod
    def unauthorized(self) -> web.Response:
        """Answer as the vendor does to a token that is no longer good."""

    # What tests ask.

    def tasks(self, key: object) -> list[Task]:
        return [self._tasks[id_] for id_ in self._ids[str(key)] if id_ in self._tasks]

    def complete(self, key: object) -> None:
        """Do as a person does who has done the task and words it anew."""
        for task in self.tasks(key):
            task.completed = True
            task.subject = "done by a person"

    def fault(self, *faults: Fault) -> None:
        self.script.load(faults)

    def expire(self) -> None:
        self._valid.clear()

    async def settle(self) -> None:
        """Wait until what comes late has come."""
        await asyncio.gather(*self._late)

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on this machine; yields the URL."""
        runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            await runner.cleanup()
            await self.settle()

    # What a vendor's fake may use.

    def issue(self) -> str:
        """Return a new access token that is good until `expire`."""
        self._issued += 1
        token = f"{TOKEN}-{self._issued}"
        self._valid.add(token)
        return token

    def allow(self, token: str) -> None:
        """Take this token, which was given out long ago, as good."""
        self._valid.add(token)

    def store(self, task: Task) -> Task:
        """Keep the task under its id; the vendor's fake has seen to it that its key is new."""
        self._tasks[task.id] = task
        self._ids[task.key].append(task.id)
        self.outcomes["created"] += 1
        return task

    def next_number(self) -> int:
        return len(self._tasks) + 1

    # The server.

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._middleware()], client_max_size=16 * 1024 * 1024)
        app.add_routes(
            [
                web.put("/_fake/faults", self._load),
                web.get("/_fake/tasks", self._show_tasks),
                web.get("/_fake/outcomes", self._show_outcomes),
                web.post("/_fake/complete/{key}", self._complete),
                *self.routes(),
            ]
        )
        return app

    def _middleware(self) -> Any:
        @web.middleware
        async def disturbed(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/_fake/"):
                return await handler(request)
            operation = self.operation(request)
            await self._note(request, operation)
            with self._counted():
                return await self._play(self.script.take(operation), request, handler)

        return disturbed

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._under_way += 1
        self.most_under_way = max(self.most_under_way, self._under_way)
        try:
            yield
        finally:
            self._under_way -= 1

    async def _note(self, request: web.Request, operation: str) -> None:
        if operation != "token":
            secrets = {"Authorization", "Host", "Content-Length"}
            headers = {k: v for k, v in request.headers.items() if k not in secrets}
            body = await request.read() or None
            self.sent.append(Request(request.method, request.raw_path, body, headers))

    async def _play(
        self, fault: Fault | None, request: web.Request, handler: Handler
    ) -> web.StreamResponse:
        kind = fault.kind if fault else ""
        if fault and kind == "status":
            self.outcomes[f"fault {fault.status}"] += 1
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        if fault and kind in {"hang", "slow"}:
            await asyncio.sleep(fault.seconds)
        if kind in {"hang", "drop"}:
            self.outcomes[kind] += 1
            return _cut(request)
        if fault and kind == "late":
            return await asyncio.shield(self._later(fault.seconds, request, handler))
        if kind == "expire":
            self.expire()
        answer = await self._authorized(request, handler)
        return _cut(request) if kind == "drop_after_commit" else answer

    def _later(
        self, seconds: float, request: web.Request, handler: Handler
    ) -> "asyncio.Task[web.StreamResponse]":
        async def answer() -> web.StreamResponse:
            await asyncio.sleep(seconds)
            return await self._authorized(request, handler)

        task = asyncio.ensure_future(answer())
        self._late.add(task)
        return task

    async def _authorized(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.operation(request) != "token" and token not in self._valid:
            self.outcomes["unauthorized"] += 1
            return self.unauthorized()
        return await handler(request)

    async def _load(self, request: web.Request) -> web.Response:
        self.script.load_json(await request.read())
        return web.json_response({})

    async def _show_tasks(self, request: web.Request) -> web.Response:
        key = request.query.get("key")
        tasks = self.tasks(key) if key else list(self._tasks.values())
        return web.json_response([vars(task) for task in tasks])

    async def _show_outcomes(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self.outcomes))

    async def _complete(self, request: web.Request) -> web.Response:
        key = request.match_info["key"]
        self.complete(key)
        return web.json_response({}, status=200 if self.tasks(key) else 404)


def _cut(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def without_secrets(requests: Iterable[Request]) -> list[tuple[str, str, bytes | None]]:
    """Return what is to be compared of requests: headers such as User-Agent left out."""
    return [(request.method, request.path, request.body) for request in requests]


def form(body: bytes) -> Mapping[str, str]:
    """Return the members of a form; each is expected once."""
    return dict(parse_qsl(body.decode()))
