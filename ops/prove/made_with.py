"""What a report was made with, so that somebody else can make it again."""

import os
import platform
from importlib.metadata import version

import psutil

from ops.kafka.jars import VERSION

_PACKAGES = ("geophone", "aiokafka", "faust-streaming", "uvicorn", "starlette", "confluent-kafka")


def versions() -> dict[str, str]:
    """Return versions by name: Kafka's, Python's, and those of the packages that matter."""
    packages = {name: version(name) for name in _PACKAGES}
    return {"Kafka": VERSION, "Python": platform.python_version(), **packages}


def environment() -> dict[str, str]:
    """Return what else matters for the figures."""
    return {
        "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }
