"""More pods and fewer again, under load."""

from asyncio import to_thread
from functools import partial

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.installation import REPLICAS, Installation
from tests.cluster.trials import Record, autoscaled, no_longer_autoscaled, under_load

pytestmark = pytest.mark.cluster
MORE = ("--set", "ingress.replicas=4", "--set", "streams.dedup.replicas=3")


async def test_scaling_out_and_in_is_not_noticed(
    geophone: Installation, cluster: Cluster, record_property: Record
) -> None:
    cluster.volumes(1)
    release = geophone.release
    counts: list[int] = []

    def count() -> None:
        counts.extend(len(geophone.kubectl.pods(each)) for each in ("ingress", "dedup"))

    more, back = partial(release.upgrade, *MORE), release.upgrade
    seen = await under_load(geophone, more, count, back, count)
    record_property("done", "2 to 4 and 3 pods and back")
    record_property("seen", str(seen))
    assert counts == [4, 3, 2, 2]
    assert not seen.load.bad
    assert min(seen.receivers) >= REPLICAS
    await geophone.books(seen.load)


async def test_an_upgrade_leaves_as_many_pods_as_an_autoscaler_chose(
    geophone: Installation, record_property: Record
) -> None:
    try:
        pods = await to_thread(autoscaled, geophone)
    finally:
        await to_thread(no_longer_autoscaled, geophone)
    record_property("done", "upgrade of what is autoscaled")
    record_property("seen", f"{REPLICAS + 1} pods before, {pods} after")
    assert pods == REPLICAS + 1
