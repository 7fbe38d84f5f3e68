"""An HTTP connection that can be cut from inside a request: uvicorn's, with one thing added."""

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_CUT = "cut"


class Cuttable(HttpToolsProtocol):
    """Puts what cuts the connection into the request's state; ASGI itself has no such thing."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][_CUT] = self.transport.abort


class Cut(Response):
    """No answer: the connection is cut, and whatever the client makes of it is its own affair."""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        scope["state"][_CUT]()
        # Until uvicorn knows of the cut, returning without an answer would be logged as our error.
        await gone(receive)


async def gone(receive: Receive) -> None:
    """Return when the client's connection is closed; the request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass
