"""The sandbox's HTTP interface: what a connector uses, what a test asks, and the page."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from standardwebhooks import Webhook
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool as apart
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ops.sandbox.faults import BadScript, Faults
from ops.sandbox.page import Page
from ops.sandbox.problem import on_http_exception, problem
from ops.sandbox.receive import Receiver
from ops.sandbox.store import FILTERS, Store, Task

_LIMIT, _MOST = 100, 10_000  # of one JSON answer; the page has its own limit
_FORM = "application/x-www-form-urlencoded"


def create_app(store: Store, signer: Webhook | None, hint: str) -> Starlette:
    """Wire the sandbox; `hint` is the command that sends an event, for the empty page.

    The store is closed with the app.
    """
    faults = Faults()
    desk = _Desk(store, faults, Page(hint))
    return Starlette(
        routes=[
            Route("/", desk.page),
            Route("/tasks", Receiver(store, faults, signer).post, methods=["POST"]),
            Route("/tasks", desk.tasks),
            Route("/tasks/{key}", desk.task),
            Route("/tasks/{key}/complete", desk.complete, methods=["POST"]),
            Route("/attempts", desk.attempts),
            Route("/faults", desk.load_faults, methods=["PUT"]),
            Route("/faults", desk.clear_faults, methods=["DELETE"]),
            Route("/faults", desk.faults),
        ],
        exception_handlers={HTTPException: on_http_exception},
        lifespan=_closing(store),
    )


def _closing(store: Store) -> Any:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        store.close()

    return lifespan


class _Desk:
    """Everything but creating a task."""

    def __init__(self, store: Store, faults: Faults, page: Page) -> None:
        self._store = store
        self._faults = faults
        self._page = page

    async def page(self, request: Request) -> Response:
        q = request.query_params.get("q", "").strip()
        filters = {"q": q} if q else {}
        tasks = await apart(self._store.tasks, filters, self._page.limit)
        return self._page.answer(tasks, await apart(self._store.counts, filters), q)

    async def tasks(self, request: Request) -> Response:
        filters, limit = _filters(request), _limit(request)
        tasks = await apart(self._store.tasks, filters, limit)
        matching = await apart(self._store.counts, filters)
        everything = await apart(self._store.counts, {})
        return JSONResponse(
            {
                "total": everything.total,
                "open": everything.open,
                "completed": everything.completed,
                "matching": matching.total,
                "tasks": [task.to_json() for task in tasks],
            }
        )

    async def task(self, request: Request) -> Response:
        key = request.path_params["key"]
        found = await apart(self._store.tasks, {"key": key}, 1)
        return JSONResponse(_found(next(iter(found), None)).to_json())

    async def complete(self, request: Request) -> Response:
        task = _found(await apart(self._store.complete, request.path_params["key"]))
        if request.headers.get("content-type") == _FORM:
            back = f"/?{request.url.query}" if request.url.query else "/"
            return RedirectResponse(back, HTTPStatus.SEE_OTHER)
        return JSONResponse(task.to_json())

    async def attempts(self, request: Request) -> Response:
        key, limit = request.query_params.get("key"), _limit(request)
        outcomes = await apart(self._store.outcomes, key)
        attempts = await apart(self._store.attempts, key, limit)
        total = sum(outcomes.values())
        return JSONResponse({"total": total, "outcomes": outcomes, "attempts": attempts})

    async def load_faults(self, request: Request) -> Response:
        try:
            self._faults.load(await request.body())
        except BadScript as error:
            return problem(400, str(error), title="Invalid fault script")
        return await self.faults(request)

    async def clear_faults(self, request: Request) -> Response:
        self._faults.clear()
        return await self.faults(request)

    async def faults(self, _: Request) -> Response:
        return JSONResponse(self._faults.to_json())


def _filters(request: Request) -> dict[str, str]:
    given = {name: value for name, value in request.query_params.items() if name != "limit"}
    if unknown := given.keys() - FILTERS.keys():
        names = ", ".join(FILTERS)
        raise HTTPException(400, f"unknown filter {min(unknown)!r}: choose from {names}")
    return given


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", str(_LIMIT))
    if not (text.isascii() and text.isdigit() and int(text) <= _MOST):
        raise HTTPException(400, f"limit must be a number from 0 to {_MOST}")
    return int(text)


def _found(task: Task | None) -> Task:
    if task is None:
        raise HTTPException(404, "there is no task with this key")
    return task
