"""The table of topics: unique legal names, and a configuration that loses nothing."""

import re
from collections import Counter

import pytest

from schemas.catalogue import CATALOGUE
from schemas.topics import DEDUP_WINDOW_MS, MAX_MESSAGE_BYTES, Topic, Topics

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS
LONGEST_RETRY_MS = 24 * HOUR_MS + 11 * 60 * 1000

# Kafka's own rule: org.apache.kafka.common.internals.Topic.
LEGAL = re.compile(r"[a-zA-Z0-9._-]{1,249}")


@pytest.fixture
def topics() -> Topics:
    return Topics()


def test_names_are_legal_and_unique(topics: Topics) -> None:
    names = [topic.name for topic in topics]
    assert all(LEGAL.fullmatch(name) for name in names)
    # Kafka refuses names that differ in . and _ alone: their metrics collide.
    assert max(Counter(name.replace(".", "_") for name in names).values()) == 1


def test_every_type_and_the_unknown_have_a_topic(topics: Topics) -> None:
    assert topics.events.keys() == {row.name for row in CATALOGUE} | {"Other"}
    assert topics.events["LivesendUpdatedV1"].name == "seismic.event.LivesendUpdatedV1"


def test_iterating_leaves_no_topic_out(topics: Topics) -> None:
    rows = [value for value in vars(topics).values() if isinstance(value, Topic)]
    assert set(topics) == {*rows, *topics.events.values()}
    assert len(list(topics)) == 6 + len(CATALOGUE) + 1


def test_the_prefix_is_on_every_name() -> None:
    assert all(topic.name.startswith("eu.seismic.") for topic in Topics("eu.seismic."))


def test_only_the_dedup_marks_are_compacted_and_they_expire_too(topics: Topics) -> None:
    assert [topic.name for topic in topics if topic.compacted] == ["seismic.dedup"]
    assert topics.dedup.config(3)["cleanup.policy"] == "compact,delete"
    assert topics.raw.config(3)["cleanup.policy"] == "delete"


def test_an_id_is_remembered_longer_than_the_sender_repeats_it(topics: Topics) -> None:
    assert topics.dedup.retention_ms == DEDUP_WINDOW_MS
    assert max(LONGEST_RETRY_MS, 7 * DAY_MS) < DEDUP_WINDOW_MS


def test_what_a_person_must_look_at_is_kept_for_a_month(topics: Topics) -> None:
    kept = {topic.name: topic.retention_ms // DAY_MS for topic in topics}
    assert kept["seismic.quarantine"] == kept["seismic.task.dead"] == 30
    assert kept["seismic.lifecycle"] == 30
    assert kept["seismic.raw"] == kept["seismic.task"] == kept["seismic.event.Other"] == 7


@pytest.mark.parametrize(("replication", "in_sync"), [(1, "1"), (2, "2"), (3, "2"), (5, "2")])
def test_a_write_is_acknowledged_by_two_replicas_where_there_are_two(
    topics: Topics, replication: int, in_sync: str
) -> None:
    assert topics.raw.config(replication) == {
        "cleanup.policy": "delete",
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": str(MAX_MESSAGE_BYTES),
        "min.insync.replicas": in_sync,
        "unclean.leader.election.enable": "false",
    }
