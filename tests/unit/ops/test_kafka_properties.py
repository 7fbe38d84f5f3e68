"""What a broker is told: our rules, further doors, and what a caller overrides."""

from ops.kafka.members import Member, Members
from ops.kafka.properties import Listener, server_properties

NODE = Member(1, 9092, 9093)
MEMBERS = Members("cluster", (NODE,))


def settings(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines())


def test_a_broker_has_one_door_for_clients_and_one_for_controllers() -> None:
    said = settings(server_properties(NODE, MEMBERS))
    assert said["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    assert said["advertised.listeners"] == "PLAINTEXT://127.0.0.1:9092"


def test_an_override_wins_and_an_unknown_setting_is_passed_on() -> None:
    chosen = {"broker.session.timeout.ms": 9000, "made.up": "yes"}
    said = settings(server_properties(NODE, MEMBERS, chosen))
    assert said["broker.session.timeout.ms"] == "9000"
    assert said["made.up"] == "yes"
    assert said["node.id"] == "1"


def test_a_further_door_listens_at_one_port_and_sends_clients_to_another() -> None:
    said = settings(server_properties(NODE, MEMBERS, listeners=[Listener("WORKERS", 7001, 7002)]))
    assert "WORKERS://127.0.0.1:7001" in said["listeners"].split(",")
    assert "WORKERS://127.0.0.1:7002" in said["advertised.listeners"].split(",")
    assert "WORKERS:PLAINTEXT" in said["listener.security.protocol.map"].split(",")
