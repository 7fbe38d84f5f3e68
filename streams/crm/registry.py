"""Which CRM: the setting's value, the connector it stands for, and how hard that may be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from streams.crm import CRM, dynamics, hubspot, salesforce, sandbox, webhook
from streams.crm.limits import Limits


@dataclass(frozen=True)
class Connector:
    """`connect` takes URL (None for the vendor's own), an instance of `options`, and limits.

    `limits` are what is usual. `connect` raises ValueError for a URL or secret that is none.
    """

    options: type[BaseModel]
    connect: Callable[[str | None, Any, Limits], CRM]
    limits: Limits


CONNECTORS: Mapping[str, Connector] = {
    "dynamics": Connector(dynamics.Options, dynamics.connect, Limits()),
    "hubspot": Connector(hubspot.Options, hubspot.connect, Limits()),
    "salesforce": Connector(salesforce.Options, salesforce.connect, Limits()),
    "sandbox": Connector(webhook.Options, sandbox.connect, webhook.FREELY),
    "webhook": Connector(webhook.Options, webhook.connect, webhook.FREELY),
}


class UnknownCRM(ValueError):
    """The setting names a CRM that this version has no connector for."""


def connector(name: str) -> Connector:
    """Return what connects to the CRM of this name.

    Raises:
        UnknownCRM: there is none; the message says which there are.
    """
    if name in CONNECTORS:
        return CONNECTORS[name]
    raise UnknownCRM(f"CRM {name!r} is unknown: choose one of {', '.join(sorted(CONNECTORS))}")
