"""The webhook application, wired from ready parts. Nothing is created at import."""

from starlette.applications import Starlette
from starlette.routing import Mount

from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.reception import Reception, State
from ingress.settings import Settings
from ingress.sink import Sink
from ingress.webhook import Webhook


def create_reception(
    settings: Settings, sink: Sink, *, keyring: Keyring, metrics: Metrics, state: State
) -> Reception:
    """Return what both ways in share."""
    judge = Judge(
        keyring,
        settings.topics(),
        legacy_tenant=settings.legacy_tenant,
        allow_unsigned=settings.allow_unsigned,
    )
    return Reception(settings, judge, sink, metrics, state)


def create_app(reception: Reception) -> Starlette:
    """Return the webhook application."""
    return Starlette(routes=[Mount("/", Webhook(reception))])
