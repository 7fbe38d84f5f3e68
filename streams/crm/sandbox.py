"""The CRM sandbox (`python -m ops.sandbox`): a webhook endpoint that shows its tasks on a page."""

from dataclasses import replace

from aiohttp import ClientSession

from streams.crm.webhook import Endpoint, Webhook


def connect(endpoint: Endpoint, session: ClientSession | None = None) -> Webhook:
    """Return the connector to the sandbox whose page is at the endpoint's URL."""
    return Webhook(replace(endpoint, url=endpoint.url.rstrip("/") + "/tasks"), session)
