"""Options and markers of the whole suite. Fixtures live in modules named after what they give."""

import hypothesis
import pytest

# A busy machine is not a slow function: no example is failed for the time it took.
hypothesis.settings.register_profile("geophone", deadline=None)
hypothesis.settings.load_profile("geophone")

pytest_plugins = ("tests.kafka_fixture",)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kafka",
        default="embedded",
        metavar="embedded|testcontainers|HOST:PORT",
        help="the Kafka that the tests use: child processes (default), a container, or a cluster",
    )


# First, so that `-m kafka` and `-m "not kafka"` see the markers that this adds.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if {"kafka", "own_kafka"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.kafka)
