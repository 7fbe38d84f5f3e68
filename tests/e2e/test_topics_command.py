"""`geophone topics` against a cluster: creates what is missing, says what is wrong."""

import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from schemas.topics import Topics
from tests.kafka_fixture import RunningKafka
from tests.up_rig import geophone

Run = Callable[..., CompletedProcess[str]]


@pytest.fixture
async def admin(kafka: RunningKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap_servers)
    await client.start()
    yield client
    await client.close()


@pytest.fixture
async def topics(admin: AIOKafkaAdminClient) -> AsyncIterator[Topics]:
    """Names of this test alone, taken away afterwards."""
    table = Topics(f"t{uuid.uuid4().hex[:8]}.")
    yield table
    known = set(await admin.list_topics())
    await admin.delete_topics([topic.name for topic in table if topic.name in known])


@pytest.fixture
def run(tmp_path: Path, kafka: RunningKafka, topics: Topics) -> Run:
    prefix = topics.raw.name.removesuffix("raw")

    def command(name: str, *options: str) -> CompletedProcess[str]:
        servers = kafka.bootstrap_servers
        return geophone(tmp_path, "topics", name, "--kafka", servers, "--prefix", prefix, *options)

    return command


async def test_apply_creates_every_topic_once_and_verify_agrees(
    run: Run, topics: Topics, admin: AIOKafkaAdminClient
) -> None:
    assert run("apply", "--partitions", "2").returncode == 0
    described = await admin.describe_topics([topic.name for topic in topics])
    assert {len(one["partitions"]) for one in described} == {2}
    again = run("apply", "--partitions", "2")
    assert (again.returncode, again.stderr) == (0, "")
    agreed = run("verify", "--partitions", "2")
    assert agreed.returncode == 0
    assert agreed.stdout == "The topics are as the contract says.\n"


async def test_created_topics_have_the_contracts_settings(
    run: Run, topics: Topics, admin: AIOKafkaAdminClient
) -> None:
    run("apply", "--partitions", "1", "--replication", "1")
    for topic in (topics.raw, topics.dedup, topics.quarantine):
        resource = ConfigResource(ConfigResourceType.TOPIC, topic.name)
        [answer] = await admin.describe_configs([resource])
        found = {entry[0]: entry[1] for entry in answer.resources[0][4]}
        assert {name: found[name] for name in topic.config(1)} == topic.config(1)


async def test_verify_names_each_missing_topic_and_changes_nothing(
    run: Run, topics: Topics, admin: AIOKafkaAdminClient
) -> None:
    ended = run("verify")
    assert ended.returncode == 1
    wanted = {f"topic {topic.name} is missing" for topic in topics}
    assert set(ended.stderr.splitlines()) == wanted
    assert not {topic.name for topic in topics} & set(await admin.list_topics())


async def test_a_wrong_partition_count_is_named_and_never_changed(
    run: Run, topics: Topics, admin: AIOKafkaAdminClient
) -> None:
    await admin.create_topics([NewTopic(topics.raw.name, 3, 1)])
    sentence = f"topic {topics.raw.name} has 3 partitions, not 2\n"
    applied = run("apply", "--partitions", "2")
    assert (applied.returncode, applied.stderr) == (1, sentence)
    verified = run("verify", "--partitions", "2")
    assert (verified.returncode, verified.stderr) == (1, sentence)
    [described] = await admin.describe_topics([topics.raw.name])
    assert len(described["partitions"]) == 3


def test_more_copies_than_brokers_is_an_error_that_says_so(run: Run) -> None:
    ended = run("apply", "--partitions", "1", "--replication", "99")
    assert ended.returncode == 1
    assert "geophone: " in ended.stderr
    assert "replication" in ended.stderr.lower()
    assert "Traceback" not in ended.stderr
