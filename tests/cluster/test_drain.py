"""A node is taken out of service under load."""

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.installation import Installation
from tests.cluster.trials import Record, drain

pytestmark = pytest.mark.cluster


async def test_a_drain_waits_for_receivers_elsewhere_and_is_not_noticed(
    geophone: Installation, cluster: Cluster, record_property: Record
) -> None:
    drained = await drain(geophone, cluster)
    record_property("trial", "a node drained")
    record_property("seen", f"{drained.load}; {min(drained.receivers)} receivers at least")
    assert drained.stayed == 0
    assert min(drained.receivers) >= 1
    assert not drained.load.bad
    await geophone.books(drained.load)
