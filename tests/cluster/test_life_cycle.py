"""From nothing to a release, to the next version and back, to nothing: with both Helm majors."""

import re
import shutil
from asyncio import to_thread
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.around import Around
from tests.cluster.cluster import Cluster
from tests.cluster.helm import CHART
from tests.cluster.installation import REPLICAS, installation
from tests.cluster.kubectl import CommandFailed
from tests.cluster.tools import HELM
from tests.cluster.trials import Record, under_load

pytestmark = pytest.mark.cluster
EVERY_POD_ANEW = ("--set", "ingress.logLevel=WARNING", "--set", "streams.logLevel=WARNING")


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The chart as the version before: nothing is released yet, so only its number differs."""
    chart = shutil.copytree(CHART, tmp_path / "chart")
    file = chart / "Chart.yaml"
    file.write_text(
        re.sub(r"^version: .*$", "version: 0.0.1", file.read_text(), flags=re.MULTILINE)
    )
    return chart


@pytest.mark.parametrize("helm", sorted(HELM))
async def test_install_upgrade_roll_back_uninstall(
    helm: str,
    cluster: Cluster,
    outside: Around,
    previous: Path,
    record_property: Record,
) -> None:
    cluster.volumes(2)
    with installation(cluster, outside, helm, helm) as it:
        release = it.release
        await to_thread(release.install, previous)
        assert "all well" in await to_thread(release.test)
        upgrade = partial(release.upgrade, *EVERY_POD_ANEW)
        seen = await under_load(it, upgrade, release.rollback)
        record_property("done", f"upgrade and rollback, {helm}")
        record_property("seen", str(seen))
        assert not seen.load.bad
        assert min(seen.receivers) >= REPLICAS
        await it.books(seen.load)
        assert "all well" in await to_thread(release.test)
        assert [each["chart"] for each in release.history()] == [
            "geophone-0.0.1",
            "geophone-0.1.0",
            "geophone-0.0.1",
        ]
        await to_thread(release.uninstall)
        await to_thread(it.kubectl.until_none_ends)
        kinds = "all,configmaps,secrets,serviceaccounts,networkpolicies,poddisruptionbudgets"
        left = it.kubectl("get", kinds, "--selector=app.kubernetes.io/name=geophone", "-o=name")
        assert left.split() == ["pod/geophone-canary-test"]  # and its log, as documented
        assert len(it.kubectl.get("persistentvolumeclaims")) == 2  # marks are kept, as documented


async def test_the_namespace_is_restricted_indeed(cluster: Cluster, outside: Around) -> None:
    with (
        installation(cluster, outside, "strict") as it,
        pytest.raises(CommandFailed, match='violates PodSecurity "restricted'),
    ):
        it.kubectl("run", "anything", "--image=localhost/geophone-ops:0.1.0")
