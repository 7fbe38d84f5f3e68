"""The bench's own jars belong to the Kafka that everything else runs on."""

from bench.kafka_streams import HERE
from ops.kafka import jars


def test_kafka_streams_is_of_the_same_kafka() -> None:
    text = (HERE / "jars.lock").read_text(encoding="utf-8")
    found = {jar.artifact: jar.version for jar in jars.read_lock(text)}
    assert found["kafka-streams"] == jars.VERSION
    assert "//" not in text
