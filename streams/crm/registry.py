"""Which CRM: the setting's value, the connector it stands for, and how hard that may be asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from streams.crm import CRM, dynamics, salesforce, sandbox, webhook
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
    "salesforce": Connector(salesforce.Options, salesforce.connect, Limits()),
    "sandbox": Connector(webhook.Options, sandbox.connect, webhook.FREELY),
    "webhook": Connector(webhook.Options, webhook.connect, webhook.FREELY),
}
PLANNED = frozenset({"hubspot"})


class UnknownCRM(ValueError):
    """The setting names a CRM that this version has no connector for."""


def connector(name: str) -> Connector:
    """Return what connects to the CRM of this name.

    Raises:
        UnknownCRM: planned but not there yet, or never heard of; the message says which to use.
    """
    if name in CONNECTORS:
        return CONNECTORS[name]
    trouble = "is not there yet" if name in PLANNED else "is unknown"
    raise UnknownCRM(f"CRM {name!r} {trouble}: choose one of {', '.join(sorted(CONNECTORS))}")
