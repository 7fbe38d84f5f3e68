"""An operator's own topics: they are looked at, and wrong ones stop an upgrade and nothing else."""

from asyncio import to_thread

import pytest

from tests.cluster.installation import PARTITIONS, REPLICAS, Installation
from tests.cluster.kubectl import CommandFailed
from tests.cluster.trials import Record, available

pytestmark = pytest.mark.cluster
VERIFY = ("--set", "topics.mode=verify")
WRONG = (*VERIFY, "--set", f"topics.partitions={PARTITIONS + 1}", "--timeout=60s")


async def test_topics_that_are_as_they_should_be_are_taken(
    geophone: Installation, record_property: Record
) -> None:
    release = geophone.release
    try:
        await to_thread(release.upgrade, *VERIFY)
        told = await to_thread(release.test)
    finally:
        await to_thread(release.upgrade)
    record_property("done", "topics verified, not created")
    record_property("seen", "all well" if "all well" in told else told[-200:])
    assert "all well" in told


async def test_an_upgrade_to_another_number_of_partitions_replaces_no_pod(
    geophone: Installation, record_property: Record
) -> None:
    release, kubectl = geophone.release, geophone.kubectl
    try:
        with pytest.raises(CommandFailed):
            await to_thread(release.upgrade, *WRONG)
        pods = kubectl.pods("ingress")
        ready = [pod for pod in pods if available(pod)]
        new = [pod["metadata"]["name"] for pod in pods if pod not in ready]
        told = "".join(kubectl("logs", f"pod/{name}") for name in new)
    finally:
        await to_thread(release.upgrade)
    record_property("done", "upgrade to other partitions")
    record_property("seen", f"refused; {len(ready)} pods of before go on")
    assert len(ready) == REPLICAS
    assert f"{PARTITIONS} partitions, not {PARTITIONS + 1}" in told
