"""Where partitions start and end, asked of librdkafka: it is no part of what is put to the test."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from ops.prove.history import End
from schemas.connection import KafkaConnection

_SPEC: Any = OffsetSpec  # its constructors carry no types
_AGAIN_SECONDS = 0.2
_SLOW_SECONDS = 1.0
_log = logging.getLogger(__name__)

T = TypeVar("T")


def client_settings(connection: KafkaConnection) -> dict[str, Any]:
    """Return librdkafka's settings for this cluster; its own log goes to `logging`."""
    settings = {
        "bootstrap.servers": connection.bootstrap_servers,
        "security.protocol": connection.security_protocol,
        "ssl.ca.location": connection.ssl_ca_file,
        "ssl.certificate.location": connection.ssl_certificate_file,
        "ssl.key.location": connection.ssl_key_file,
        **_credentials(connection),
        # Brokers come and go here: look for them again at once, not after ten seconds.
        "reconnect.backoff.max.ms": 1000,
    }
    given = {name: str(value) for name, value in settings.items() if value is not None}
    return {**given, "logger": _log}


def _credentials(connection: KafkaConnection) -> dict[str, str | None]:
    if not connection.security_protocol.startswith("SASL"):
        return {}
    password = connection.sasl_password
    return {
        "sasl.mechanism": connection.sasl_mechanism,
        "sasl.username": connection.sasl_username,
        "sasl.password": password.get_secret_value() if password else None,
    }


def places(prefix: str, kinds: Iterable[str], partitions: int) -> list[TopicPartition]:
    """Return every partition of these kinds of topics."""
    return [TopicPartition(prefix + kind, one) for kind in kinds for one in range(partitions)]


def again(ask: Callable[[], T], deadline: float) -> T:
    """Ask until there is an answer: a leader that has just moved is an error, and no more.

    Raises:
        KafkaException: the last one, once time.monotonic() is past the deadline.
    """
    while True:
        try:
            return ask()
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise
            _log.info("asking again: %s", error)
            time.sleep(_AGAIN_SECONDS)


class Ends:
    """Asks one cluster, over a connection that it renews after each failure or slow answer.

    The library keeps what it knows of leaders, and does not look again when a broker that was
    started anew tells it that this is of yesterday. And while one that it knew is down, it asks the
    others without a pause who leads, for as long as the request may take: half a core's work.
    """

    def __init__(self, connection: KafkaConnection, prefix: str) -> None:
        self._settings = client_settings(connection)
        self._prefix = prefix
        self._admin: AdminClient | None = None

    def read(self, where: Sequence[TopicPartition], seconds: float = 30) -> list[End]:
        """Return start, last stable offset and high watermark of each partition, in this order.

        The stable offset is asked for first: if the two meet, nothing is undecided below the end.

        Raises:
            KafkaException: a partition's leader does not answer within `seconds`.
        """
        deadline = time.monotonic() + seconds
        return again(lambda: self._read(where, max(1.0, deadline - time.monotonic())), deadline)

    def _read(self, where: Sequence[TopicPartition], seconds: float) -> list[End]:
        asked = [
            (_SPEC.earliest(), IsolationLevel.READ_UNCOMMITTED),
            (_SPEC.latest(), IsolationLevel.READ_COMMITTED),
            (_SPEC.latest(), IsolationLevel.READ_UNCOMMITTED),
        ]
        columns = [self._column(dict.fromkeys(where, spec), how, seconds) for spec, how in asked]
        return [
            End(one.topic.removeprefix(self._prefix), one.partition, *offsets)
            for one, *offsets in zip(where, *columns, strict=True)
        ]

    def _column(
        self, asked: dict[TopicPartition, Any], how: IsolationLevel, seconds: float
    ) -> list[int]:
        admin, began = self._admin or AdminClient(self._settings), time.monotonic()
        self._admin = None
        offsets = _offsets(admin, asked, how, seconds)
        if time.monotonic() - began < _SLOW_SECONDS:
            self._admin = admin
        return offsets


def _offsets(
    admin: AdminClient, asked: dict[TopicPartition, Any], how: IsolationLevel, seconds: float
) -> list[int]:
    futures = admin.list_offsets(asked, isolation_level=how, request_timeout=seconds)
    return [int(futures[one].result().offset) for one in asked]
