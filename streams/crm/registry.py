"""Which CRM: the setting's value and the connector it stands for."""

from collections.abc import Callable, Mapping

from aiohttp import ClientSession

from streams.crm import CRM, sandbox
from streams.crm.webhook import Endpoint, Webhook

Connect = Callable[[Endpoint, ClientSession | None], CRM]

CONNECTORS: Mapping[str, Connect] = {"sandbox": sandbox.connect, "webhook": Webhook}
PLANNED = frozenset({"dynamics", "hubspot", "salesforce"})


class UnknownCRM(ValueError):
    """The setting names a CRM that this version has no connector for."""


def connector(name: str) -> Connect:
    """Return what connects to the CRM of this name.

    Raises:
        UnknownCRM: planned but not there yet, or never heard of; the message says which to use.
    """
    if name in CONNECTORS:
        return CONNECTORS[name]
    trouble = "is not there yet" if name in PLANNED else "is unknown"
    raise UnknownCRM(f"CRM {name!r} {trouble}: choose one of {', '.join(sorted(CONNECTORS))}")
