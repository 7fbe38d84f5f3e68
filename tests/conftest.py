"""Options and markers of the whole suite. Fixtures live in modules named after what they give."""

import signal

import hypothesis
import pytest

# A busy machine is not a slow function: no example is failed for the time it took.
hypothesis.settings.register_profile("geophone", deadline=None)
hypothesis.settings.load_profile("geophone")

# A shell starts what runs in its background with SIGINT ignored, and children inherit that: the
# tests that press Ctrl-C would wait in vain.
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ("tests.kafka_fixture",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kafka",
        default="embedded",
        metavar="embedded|testcontainers|HOST:PORT",
        help="the Kafka that the tests use: child processes (default), a container, or a cluster",
    )
    parser.addoption(
        "--broker-kills",
        type=int,
        default=2,
        metavar="N",
        help="how often tests/chaos/test_markers.py kills its broker (50: half an hour)",
    )
    parser.addoption(
        "--crm-outage",
        type=int,
        default=20,
        metavar="SECONDS",
        help="how long the CRM of tests/integration/test_crm_outage.py is down",
    )
    parser.addoption(
        "--crm-kills",
        type=int,
        default=8,
        metavar="N",
        help="how often tests/chaos/test_crm_kills.py kills the worker, per CRM",
    )
    parser.addoption(
        "--crm-commands",
        type=int,
        default=1000,
        metavar="N",
        help="how many commands it delivers meanwhile (100000 and 200 kills: an hour per CRM)",
    )
    parser.addoption(
        "--images",
        choices=("registry", "stand-in"),
        default="registry",
        help="tests/image: what Docker builds and composes on; stand-ins need root and buildah",
    )
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="tests/chart: record what the chart renders now, to be looked at and committed",
    )


# First, so that `-m kafka` and `-m "not kafka"` see the markers that this adds.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"kafka", "own_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
