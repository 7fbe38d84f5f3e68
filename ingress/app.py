"""The webhook application, wired from ready parts. Nothing is created at import."""

from starlette.applications import Starlette
from starlette.routing import Mount

from ingress.judge import Judge
from ingress.keyring import Keyring
from ingress.metrics import Metrics
from ingress.settings import Settings
from ingress.sink import Sink
from ingress.webhook import State, Webhook


def create_app(
    settings: Settings, sink: Sink, *, keyring: Keyring, metrics: Metrics, state: State
) -> Starlette:
    """Return the webhook application."""
    judge = Judge(
        keyring,
        settings.topics(),
        legacy_tenant=settings.legacy_tenant,
        allow_unsigned=settings.allow_unsigned,
    )
    return Starlette(routes=[Mount("/", Webhook(settings, judge, sink, metrics, state))])
