"""Prints the chart's list of topics, from the one table there is for them.

usage: python deploy/chart_topics.py > deploy/chart/files/topics.json

The chart needs it for Strimzi's resources; everything else about topics the services see to
themselves.
"""

import json
import sys

from schemas.topics import Topic, Topics

_DEPENDS_ON_REPLICATION = "min.insync.replicas"


def topics() -> str:
    """Return all topics as JSON; names are without their prefix."""
    return json.dumps({"topics": list(map(_row, Topics("")))}, indent=1) + "\n"


def _row(topic: Topic) -> dict[str, object]:
    config = topic.config(1)
    del config[_DEPENDS_ON_REPLICATION]
    return {"name": topic.name, "config": config}


if __name__ == "__main__":
    sys.stdout.write(topics())
