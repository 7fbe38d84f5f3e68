"""What a report was made with, so that somebody else can make it again."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import psutil

from ops.kafka.jars import VERSION

_PACKAGES = ("geophone", "aiokafka", "faust-streaming", "uvicorn", "starlette", "confluent-kafka")


def versions() -> dict[str, str]:
    """Return versions by name: Kafka's, Python's, those of the packages that matter.

    Of a checkout the commit, too, with `-dirty` if something in it is not committed.
    """
    packages = {name: version(name) for name in _PACKAGES}
    return {"Kafka": VERSION, "Python": platform.python_version(), **packages, **_commit()}


def _commit() -> dict[str, str]:
    checkout = Path(__file__).parents[2]
    git = shutil.which("git")
    if git is None or not (checkout / ".git").exists():
        return {}
    described = subprocess.run(
        [git, "-C", checkout, "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
    )
    return {"commit": described.stdout.strip()} if described.returncode == 0 else {}


def environment() -> dict[str, str]:
    """Return what else matters for the figures."""
    return {
        "machine": f"{os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
    }
