"""What schemathesis is told: sign as Seismic would, all but every fourth request."""

import itertools
from typing import Any

import requests
import schemathesis
from requests.auth import AuthBase
from schemathesis.specs.openapi.checks import content_type_conformance

from tests.ingress_rig import sign

_numbers = itertools.count()


class Signed(AuthBase):
    """Signs the very bytes that go out."""

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        body: Any = prepared.body or b""
        raw = body.encode() if isinstance(body, str) else body
        prepared.headers["x-seismic-signature"] = sign(raw)
        return prepared


@schemathesis.hook
def before_call(_: Any, __: Any, arguments: dict[str, Any]) -> None:
    if next(_numbers) % 4:
        arguments["auth"] = Signed()


@schemathesis.check
def body_of_a_documented_type(context: Any, response: Any, case: Any) -> None:
    """Ask for a type where there is a body: that a 200 may have none OpenAPI cannot say."""
    if response.content:
        content_type_conformance(context, response, case)
