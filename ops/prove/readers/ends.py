"""Where partitions start and end, asked of librdkafka: it is no part of what is put to the test."""

import logging
import time
from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from ops.prove.history import End
from schemas.connection import KafkaConnection

_SPEC: Any = OffsetSpec  # its constructors carry no types
_AGAIN_SECONDS = 0.2
_log = logging.getLogger(__name__)


def client_settings(connection: KafkaConnection) -> dict[str, Any]:
    """Return librdkafka's settings for this cluster; its own log goes to `logging`."""
    password = connection.sasl_password
    settings = {
        "bootstrap.servers": connection.bootstrap_servers,
        "security.protocol": connection.security_protocol,
        "sasl.mechanism": connection.sasl_mechanism,
        "sasl.username": connection.sasl_username,
        "sasl.password": password.get_secret_value() if password else None,
        "ssl.ca.location": connection.ssl_ca_file,
        "ssl.certificate.location": connection.ssl_certificate_file,
        "ssl.key.location": connection.ssl_key_file,
        # Brokers come and go here: look for them again at once, not after ten seconds.
        "reconnect.backoff.max.ms": 1000,
        "logger": _log,
    }
    return {name: _plain(value) for name, value in settings.items() if value is not None}


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | logging.Logger) else str(value)


def places(prefix: str, kinds: Iterable[str], partitions: int) -> list[TopicPartition]:
    """Return every partition of these kinds of topics."""
    return [TopicPartition(prefix + kind, one) for kind in kinds for one in range(partitions)]


def read_ends(
    admin: AdminClient, prefix: str, where: Sequence[TopicPartition], seconds: float = 30
) -> list[End]:
    """Return start, last stable offset and high watermark of each partition, in this order.

    The stable offset is asked for first: if the two meet, nothing is undecided below the end.

    Raises:
        KafkaException: a partition's leader does not answer within `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _read_ends(admin, prefix, where, max(1.0, deadline - time.monotonic()))
        except KafkaException as error:
            # A leader that has just moved is such an error, and no more than that.
            if time.monotonic() > deadline:
                raise
            _log.info("asking for the ends again: %s", error)
            time.sleep(_AGAIN_SECONDS)


def _read_ends(
    admin: AdminClient, prefix: str, where: Sequence[TopicPartition], seconds: float
) -> list[End]:
    asked = [
        (_SPEC.earliest(), IsolationLevel.READ_UNCOMMITTED),
        (_SPEC.latest(), IsolationLevel.READ_COMMITTED),
        (_SPEC.latest(), IsolationLevel.READ_UNCOMMITTED),
    ]
    columns = [_offsets(admin, dict.fromkeys(where, spec), how, seconds) for spec, how in asked]
    return [
        End(one.topic.removeprefix(prefix), one.partition, *offsets)
        for one, *offsets in zip(where, *columns, strict=True)
    ]


def _offsets(
    admin: AdminClient, asked: dict[TopicPartition, Any], how: IsolationLevel, seconds: float
) -> list[int]:
    futures = admin.list_offsets(asked, isolation_level=how, request_timeout=seconds)
    return [int(futures[one].result().offset) for one in asked]
