"""A node is taken out of service under load."""

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.installation import REPLICAS, Installation
from tests.cluster.trials import Record, drain

pytestmark = pytest.mark.cluster


async def test_a_drain_waits_for_receivers_elsewhere_and_is_not_noticed(
    geophone: Installation, cluster: Cluster, record_property: Record
) -> None:
    seen = await drain(geophone, cluster)
    record_property("done", "a node drained")
    record_property("seen", str(seen))
    assert not seen.load.bad
    assert min(seen.receivers) >= REPLICAS - 1
    drained, _ = cluster.nodes
    assert drained not in {pod["spec"]["nodeName"] for pod in geophone.kubectl.get("pods")}
    await geophone.books(seen.load)
