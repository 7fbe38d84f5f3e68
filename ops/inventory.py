"""What stack.json says of each process: role, name, pid, addresses, log."""

from typing import Any

from ops.child import Child
from ops.kafka.cluster import LocalKafka


def brokers(kafka: LocalKafka | None) -> list[dict[str, Any]]:
    """Return a line for each broker of our own.

    Raises:
        BrokerDied: one does not run just now.
    """
    if kafka is None:
        return []
    return [
        {
            "role": "kafka",
            "name": f"kafka-{number}",
            "pid": kafka.pid(number),
            "url": None,
            "admin_url": None,
            "log": str(kafka.log(number)),
        }
        for number in kafka.brokers
    ]


def process(child: Child) -> dict[str, Any]:
    """Return a child's line.

    Raises:
        OSError, ValueError: it is just being started again.
    """
    announced = child.announcement
    return {
        "role": child.program.role,
        "name": child.program.name,
        "pid": announced["pid"],
        "url": announced.get("url"),
        "admin_url": announced.get("admin_url"),
        "log": str(child.log),
    }
