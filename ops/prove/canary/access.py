"""Whether the topics can be read at all, and what to do if they cannot."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError, TopicAuthorizationFailedError

from ops.prove.canary.plan import CanaryPlan, CannotJudge

KAFKA_SECONDS = 15.0
"""Longest wait for an answer of Kafka's; an address that swallows packets never gives one."""


async def partition_count(client: Mapping[str, Any], plan: CanaryPlan) -> int:
    """Return how many partitions the raw topic and the event topic have.

    Raises:
        CannotJudge: one of them is missing, or they differ.
    """
    found = await _all_topics(client)
    for topic in (plan.raw_topic, plan.output_topic):
        if topic not in found:
            raise CannotJudge(
                f"there is no topic {topic} at {plan.kafka.bootstrap_servers}, or this user may "
                "not see it: check --prefix and run `geophone topics verify`"
            )
    raw, output = found[plan.raw_topic], found[plan.output_topic]
    if raw != output:
        raise CannotJudge(
            f"{plan.raw_topic} has {raw} partitions and {plan.output_topic} has {output}: run "
            "`geophone topics verify`"
        )
    return raw


async def _all_topics(client: Mapping[str, Any]) -> dict[str, int]:
    """Ask for all topics: to ask for one by name creates it where brokers are told to."""
    admin = AIOKafkaAdminClient(**client)
    try:
        await admin.start()
        return {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    finally:
        await admin.close()


@contextmanager
def explained(plan: CanaryPlan) -> Iterator[None]:
    """Say what to do about what Kafka, or the way to it, refuses."""
    where = plan.kafka.bootstrap_servers
    try:
        yield
    except TopicAuthorizationFailedError as error:
        raise CannotJudge(
            f"Kafka lets {plan.kafka.sasl_username or 'this user'} not read {error.args[0]}: grant "
            "Describe and Read on it (a consumer group is not used)"
        ) from error
    except (KafkaConnectionError, TimeoutError) as error:
        raise CannotJudge(
            f"no Kafka answers at {where}{_as_whom(plan)}: check --kafka and the GEOPHONE_KAFKA_… "
            "variables; they are those of the services"
        ) from error
    except (KafkaError, OSError) as error:
        raise CannotJudge(f"Kafka at {where} cannot be read: {error}") from error


def _as_whom(plan: CanaryPlan) -> str:
    if not plan.kafka.security_protocol.startswith("SASL"):
        return f" ({plan.kafka.security_protocol})"
    whom = plan.kafka.sasl_username or "the token"
    return f", or it refuses {whom} ({plan.kafka.security_protocol})"
