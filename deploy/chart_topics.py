"""Prints the chart's list of topics, from the one table there is for them.

usage: python deploy/chart_topics.py > deploy/chart/files/topics.json

The chart needs it for Strimzi's resources and for KEDA; everything else about topics the services
see to themselves.
"""

import json
import sys

from schemas.topics import Topic, Topics
from streams.actions import types_with_actions

_DEPENDS_ON_REPLICATION = "min.insync.replicas"


def topics() -> str:
    """Return all topics and what each stage reads as JSON; names are without their prefix."""
    table = Topics("")
    stages = {
        "dedup": [table.raw.name],
        "followup": [table.events[name].name for name in types_with_actions()],
        "crm": [table.task.name],
    }
    return json.dumps({"topics": list(map(_row, table)), "stages": stages}, indent=1) + "\n"


def _row(topic: Topic) -> dict[str, object]:
    config = topic.config(1)
    del config[_DEPENDS_ON_REPLICATION]
    return {"name": topic.name, "config": config}


if __name__ == "__main__":
    sys.stdout.write(topics())
