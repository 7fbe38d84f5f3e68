"""What `geophone up` says about its processes is true, and stays true when they die."""

import signal
from pathlib import Path

import orjson
import psutil
import pytest

from tests.kafka_fixture import RunningKafka
from tests.up_rig import Up, geophone, get, gone, wait_for

KEYS = {
    "version",
    "bootstrap_servers",
    "topic_prefix",
    "webhook_url",
    "webhook_urls",
    "crm_url",
    "secret_file",
    "processes",
}
PROCESS_KEYS = {"role", "name", "pid", "url", "admin_url", "log"}
SERVICES = ("ingress-1", "ingress-2", "streams-1", "streams-2")
BACK_SECONDS = 90.0


def ready(up: Up, name: str) -> bool:
    try:
        return get(f"{up.process(name)['admin_url']}/readyz")[0] == 200
    except OSError:
        return False


def test_stack_json_has_the_documented_keys_and_they_are_true(up: Up) -> None:
    stack = up.stack
    assert stack.keys() == KEYS
    assert {frozenset(each) for each in stack["processes"]} == {frozenset(PROCESS_KEYS)}
    assert [(each["role"], each["name"]) for each in stack["processes"]] == [
        ("kafka", "kafka-1"),
        ("crm", "crm-sandbox"),
        ("ingress", "ingress-1"),
        ("ingress", "ingress-2"),
        ("streams", "streams-1"),
        ("streams", "streams-2"),
    ]
    assert (stack["version"], stack["topic_prefix"]) == (1, "seismic.")
    assert stack["webhook_url"] == stack["webhook_urls"][0]
    assert len(set(stack["webhook_urls"])) == 2
    ours = {each.pid for each in up.descendants()}
    for each in stack["processes"]:
        assert each["pid"] in ours
        assert Path(each["log"]).is_relative_to(up.state_dir)
        assert Path(each["log"]).exists()
    for name in SERVICES:
        assert get(f"{up.process(name)['admin_url']}/livez")[0] == 200
    assert get(f"{stack['crm_url']}/tasks")[0] == 200
    assert Path(stack["secret_file"]).stat().st_mode & 0o777 == 0o600


@pytest.mark.timeout(400)
def test_whatever_is_killed_comes_back_and_stack_json_follows(up: Up) -> None:
    """Kafka too: the others ride its absence out or are started again themselves."""
    before = up.pids()
    victims = ("kafka-1", "crm-sandbox", "ingress-1", "streams-1")
    for name in victims:
        psutil.Process(before[name]).kill()

    def back() -> bool:
        now = up.pids()
        alive = all(psutil.pid_exists(pid) for pid in now.values())
        return alive and all(now[name] != before[name] for name in victims)

    wait_for(back, "new pids in stack.json", BACK_SECONDS)
    wait_for(lambda: all(ready(up, name) for name in SERVICES), "all to be ready", BACK_SECONDS)
    assert "kafka-1 ended by itself and is started again" in up.output
    assert "ingress-1 ended by itself (code -9) and is started again" in up.output
    (up.folder / "body").write_bytes(
        orjson.dumps({"id": "after-the-kill", "version": "LivesendExpiredV1", "tenantId": "t"})
    )
    sent = geophone(up.folder, "send", "--body", "body")
    assert sent.returncode == 0, sent.stdout

    def arrived() -> bool:
        return "after-the-kill" in geophone(up.folder, "read", topic).stdout

    topic = "seismic.event.LivesendExpiredV1"
    wait_for(arrived, "the event", 60)


@pytest.mark.timeout(400)
def test_three_brokers_keep_three_copies(tmp_path: Path) -> None:
    up = Up(tmp_path, "--brokers", "3")
    try:
        stack = up.started().stack
        assert [n for n in up.pids() if n.startswith("kafka")] == ["kafka-1", "kafka-2", "kafka-3"]
        assert len(stack["bootstrap_servers"].split(",")) == 3
        sent = geophone(tmp_path, "send", "--type", "usercreatedv1", "--tenant", "tenant-3")
        assert sent.returncode == 0, sent.stdout
        topic = "seismic.event.UserCreatedV1"
        wait_for(lambda: "tenant-3" in geophone(tmp_path, "read", topic).stdout, "the event", 60)
        processes = up.descendants()
        assert up.stop(signal.SIGINT) == 0
        assert gone(processes)
    finally:
        up.end()


def test_an_existing_kafka_is_used_and_left_alone(tmp_path: Path, kafka: RunningKafka) -> None:
    up = Up(tmp_path, "--kafka", kafka.bootstrap_servers)
    try:
        stack = up.started().stack
        assert stack["bootstrap_servers"] == kafka.bootstrap_servers
        assert {each["role"] for each in stack["processes"]} == {"crm", "ingress", "streams"}
        sent = geophone(tmp_path, "send")
        assert sent.returncode == 0, sent.stdout
        wait_for(lambda: len(up.recipients()) == 3, "the tasks", 60)
        assert up.stop(signal.SIGTERM) == 0
        still_there = geophone(tmp_path, "topics", "verify", "--kafka", kafka.bootstrap_servers)
        assert still_there.returncode == 0
    finally:
        up.end()
