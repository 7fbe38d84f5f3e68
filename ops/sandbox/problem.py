"""Errors on the wire: RFC 9457 problem+json."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse


def problem(
    status: int,
    detail: str,
    *,
    title: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return an error answer; `title` is the status's own phrase unless given."""
    body = {"status": status, "title": title or _phrase(status), "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


async def on_http_exception(_: Request, error: Exception) -> JSONResponse:
    """Answer what the router or a handler raised."""
    if not isinstance(error, HTTPException):
        raise error
    return problem(error.status_code, error.detail, headers=error.headers)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Error"
