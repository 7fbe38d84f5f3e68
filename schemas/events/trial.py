"""TestWebhookEventV1: the event the documentation's own test page describes.

Source: developer.seismic.com/seismicsoftware/docs/testwebhookeventv1.
"""

from schemas.events.payload import Payload


class Trial(Payload):
    """Data of TestWebhookEventV1: {"hello": "webhooks"}."""

    hello: str | None = None
