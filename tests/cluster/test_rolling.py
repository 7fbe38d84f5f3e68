"""Pods are replaced one by one under load: nobody is turned away, nothing is lost or doubled."""

import pytest

from tests.cluster.installation import COMPONENTS, REPLICAS, Installation
from tests.cluster.trials import Record, rolling_restart

pytestmark = pytest.mark.cluster


@pytest.mark.parametrize("component", COMPONENTS)
async def test_a_rolling_restart_is_not_noticed(
    component: str, geophone: Installation, record_property: Record
) -> None:
    seen = await rolling_restart(geophone, component)
    record_property("done", f"rolling restart of {component}")
    record_property("seen", str(seen))
    assert not seen.load.bad
    assert min(seen.receivers) >= REPLICAS
    await geophone.books(seen.load)
