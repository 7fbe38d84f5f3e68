"""The cluster that these tests share; they run when they are asked for."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import machine
from tests.cluster.around import Around, around
from tests.cluster.cluster import Cluster, running
from tests.cluster.installation import Installation, installation

MARKERS = ("cluster", "mutants")
NOT_HERE = (
    "NetworkPolicies are accepted and not enforced: the bridge network has no part that would",
    "KEDA, Strimzi and monitoring objects are not installed: there are no operators here",
    "an autoscaler is installed and does not scale: there is no metrics API",
)
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    ours = [item for item in items if item.path.parent == _HERE]
    for item in ours:
        item.add_marker(pytest.mark.timeout(1800))
    if any(marker in config.option.markexpr for marker in MARKERS):
        return
    config.hook.pytest_deselected(items=ours)
    items[:] = [item for item in items if item not in ours]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    told = [dict(one.user_properties) for one in reports if one.when == "call"]
    rows = [row for row in told if "seen" in row]
    if not rows:
        return
    terminalreporter.section("on the cluster")
    for row in sorted(rows, key=lambda row: str(row["done"])):
        terminalreporter.line(f"{row['done']:32} {row['seen']}")
    for sentence in NOT_HERE:
        terminalreporter.line(f"not shown here: {sentence}")


@pytest.fixture(scope="session")
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    if reason := machine.impossible():
        pytest.skip(reason)
    capture = request.config.pluginmanager.getplugin("capturemanager")
    reporter = request.config.pluginmanager.getplugin("terminalreporter")
    assert capture
    assert reporter

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            reporter.write_line(line)

    with running(say) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def outside(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Around]:
    """A broker and a CRM; the cluster is there first, for it brings their address."""
    assert cluster
    with around(tmp_path_factory.mktemp("outside")) as there:
        yield there


@pytest.fixture(scope="session")
def geophone(cluster: Cluster, outside: Around) -> Iterator[Installation]:
    """One installation that tests share: whoever changes it changes it back."""
    cluster.volumes(4)
    with installation(cluster, outside, "shared") as it:
        it.release.install()
        yield it
        it.release.uninstall()
