"""One attempt to create a task: genuine? readable? a fault to play? then stored, once."""

import asyncio
from contextlib import suppress

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.concurrency import run_in_threadpool as apart
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ops.sandbox.connection import Cut, gone
from ops.sandbox.faults import DropAfterCommit, Fault, Faults, Hang, Refuse, Slow, Status
from ops.sandbox.problem import problem
from ops.sandbox.store import Store
from schemas.task import TaskCommand, UnreadableTask

_KEY = "Idempotency-Key"


class Receiver:
    """Handles POST /tasks; every attempt is in the store's ledger before it is answered."""

    def __init__(self, store: Store, faults: Faults, signer: Webhook | None) -> None:
        self._store = store
        self._faults = faults
        self._signer = signer

    async def post(self, request: Request) -> Response:
        """Answer as the module says."""
        body, key = await request.body(), request.headers.get(_KEY)
        if self._signer and not _genuine(self._signer, request.headers, body):
            await apart(self._store.note, key, "unsigned")
            return problem(401, "the Standard Webhooks signature is missing, wrong or too old")
        try:
            command = _read(body, key)
        except UnreadableTask as error:
            await apart(self._store.note, key, "invalid")
            return problem(400, str(error), title="Invalid task command")
        return await self._answer(command, self._faults.take(command), request)

    async def _answer(
        self, command: TaskCommand, fault: Fault | None, request: Request
    ) -> Response:
        match fault:
            case Status():
                return await self._fail(command, fault)
            case Refuse():
                await self._note(command, "refused", fault)
                return problem(422, "the script refuses this command", title="Refused by script")
            case Hang():
                await self._note(command, "hung", fault)
                with suppress(TimeoutError):
                    await asyncio.wait_for(gone(request.receive), fault.seconds)
                return Cut()
            case DropAfterCommit():
                await self._create(command, fault)
                return Cut()
            case Slow():
                await asyncio.sleep(fault.seconds)
        return await self._create(command, fault)

    async def _fail(self, command: TaskCommand, fault: Status) -> Response:
        await self._note(command, f"status {fault.status}", fault)
        headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
        return problem(fault.status, "the script says so", title=fault.title, headers=headers)

    async def _create(self, command: TaskCommand, fault: Fault | None) -> Response:
        task, new = await apart(self._store.create, command, fault.kind if fault else None)
        headers = {} if new else {"Idempotent-Replayed": "true"}
        return JSONResponse(task.to_json(), 201 if new else 200, headers)

    async def _note(self, command: TaskCommand, outcome: str, fault: Fault) -> None:
        await apart(self._store.note, str(command.key), outcome, fault.kind)


def _read(body: bytes, key: str | None) -> TaskCommand:
    command = TaskCommand.decode(body)
    if key != str(command.key):
        raise UnreadableTask(f"{_KEY} must be the command's key")
    return command


def _genuine(signer: Webhook, headers: Headers, body: bytes) -> bool:
    # ValueError: the library does not catch what malformed base64, UTF-8 or commas raise.
    try:
        signer.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        return False
    return True
