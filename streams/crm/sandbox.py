"""The CRM sandbox (`python -m ops.sandbox`): a webhook endpoint that shows its tasks on a page."""

from streams.crm import webhook
from streams.crm.limits import Limits


def connect(url: str | None, options: webhook.Options, limits: Limits) -> webhook.Webhook:
    """Return the connector to the sandbox whose page is at the URL; see `webhook.connect`."""
    below = url and url.rstrip("/") + "/tasks"
    return webhook.connect(below, options, limits)
