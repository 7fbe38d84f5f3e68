"""Lines of the chart are taken out, and the trials notice: make cluster-test ARGS="-m mutants"."""

import re
import shutil
from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.helm import CHART
from tests.cluster.installation import REPLICAS, Installation
from tests.cluster.kubectl import CommandFailed
from tests.cluster.trials import (
    Record,
    autoscaled,
    drain,
    no_longer_autoscaled,
    rolling_restart,
)

pytestmark = pytest.mark.mutants
DEPLOYMENT = "ingress/deployment.yaml"
Cuts = tuple[tuple[str, str, str], ...]
AT_ONCE: Cuts = (
    (DEPLOYMENT, "maxUnavailable: 0", "maxUnavailable: 100%"),
    (DEPLOYMENT, "maxSurge: 1", "maxSurge: 0"),
)
NO_DRAIN: Cuts = (
    (DEPLOYMENT, r" +lifecycle:\n( +preStop:\n +sleep:\n.*\n)", ""),
    ("ingress/_receiver.tpl", r"\{\{ \$of.drainSeconds \| quote \}\}", '"0"'),
)
REPLICAS_TOO: Cuts = ((DEPLOYMENT, r"\{\{- if not \(or \$of\.autoscaling.*\}\}", "{{- if true }}"),)
NO_BUDGET: Cuts = (("pdb.yaml", r"(?s).*", ""),)


def with_cuts(folder: Path, cuts: Cuts) -> Path:
    """Return a copy of the chart that lacks something."""
    chart = shutil.copytree(CHART, folder / "chart")
    for template, pattern, instead in cuts:
        file = chart / "templates" / template
        text, count = re.subn(pattern, instead, file.read_text())
        assert count, pattern
        file.write_text(text)
    return chart


@asynccontextmanager
async def cut(it: Installation, folder: Path, cuts: Cuts) -> AsyncIterator[None]:
    """Run the installation with a chart that lacks something; at the end it has it back."""
    chart = with_cuts(folder, cuts)
    await to_thread(it.release.upgrade, chart=chart)
    try:
        yield
    finally:
        await to_thread(it.release.upgrade)


async def test_pods_that_all_end_at_once_are_noticed(
    geophone: Installation, tmp_path: Path, record_property: Record
) -> None:
    async with cut(geophone, tmp_path, AT_ONCE):
        seen = await rolling_restart(geophone, "ingress")
    record_property("done", "without maxUnavailable 0")
    record_property("seen", str(seen))
    assert min(seen.receivers) < REPLICAS


async def test_pods_that_end_at_once_when_told_to_are_noticed(
    geophone: Installation, tmp_path: Path, record_property: Record
) -> None:
    async with cut(geophone, tmp_path, NO_DRAIN):
        seen = await rolling_restart(geophone, "ingress")
    record_property("done", "without preStop and drain")
    record_property("seen", str(seen))
    assert seen.load.bad


async def test_replicas_beside_an_autoscaler_are_noticed(
    geophone: Installation, tmp_path: Path, record_property: Record
) -> None:
    """Helm 4 may take the number back, or refuse to as another has set it."""
    chart = with_cuts(tmp_path, REPLICAS_TOO)
    try:
        left = str(await to_thread(autoscaled, geophone, chart))
    except CommandFailed as error:
        left = str(error)
    finally:
        await to_thread(no_longer_autoscaled, geophone)
    record_property("done", "replicas beside an autoscaler")
    record_property("seen", left[-200:])
    assert left != str(REPLICAS + 1)


async def test_a_drain_that_takes_all_pods_at_once_is_noticed(
    geophone: Installation, cluster: Cluster, tmp_path: Path, record_property: Record
) -> None:
    async with cut(geophone, tmp_path, NO_BUDGET):
        seen = await drain(geophone, cluster)
    record_property("done", "without PodDisruptionBudgets")
    record_property("seen", str(seen))
    assert min(seen.receivers) < REPLICAS - 1
