"""A restarting broker drops transaction markers; the takeover's cleansing abort makes up for it.

See `tests/chaos/markers.py` for what happens, ARCHITECTURE.md ("Not obvious") for what it means.
`pytest tests/chaos/test_markers.py --broker-kills 50 -s` is the long run, with its figures.
"""

import sys
from pathlib import Path

import pytest

from schemas import topics
from tests.chaos.scene import scene
from tests.chaos.weakened import FEW

pytestmark = [pytest.mark.chaos, pytest.mark.kafka, pytest.mark.timeout(600)]

ROUNDS = 6
"""In how many kills the duplicates must have been found. On a machine that is not busy, one."""


@pytest.fixture(autouse=True)
def few_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "CATALOGUE", FEW)


async def test_without_the_cleansing_abort_dropped_markers_make_duplicates(tmp_path: Path) -> None:
    async with scene(tmp_path, cleansing="off") as s:
        for _ in range(ROUNDS):
            left = await s.machine_dies()
            try:
                await s.assert_balanced()
            except AssertionError as found:
                assert "twice" in str(found)  # noqa: PT017 - no other imbalance is expected
                assert left.intersection(s.found.aborts_skipped), "of another cause"
                sys.stdout.write(f"\ncleansing off: {s}; {str(found).splitlines()[0]}\n")
                return
        pytest.fail(f"no duplicates: {s}")


@pytest.mark.timeout(7200)
async def test_with_it_they_make_none_and_lose_none(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = request.config.getoption("--broker-kills")
    async with scene(tmp_path, cleansing="on") as s:
        while s.kills < kills:
            await s.machine_dies()
            await s.brokers_die(1)
            await s.assert_balanced()
            sys.stdout.write(f"\ncleansing on: {s}: books balance\n")


async def test_three_brokers_drop_none_or_it_does_not_matter(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """One of three killed, then all three: with a second copy of each partition it is rare."""
    rounds = max(1, request.config.getoption("--broker-kills") // 5)
    async with scene(tmp_path, cleansing="on", brokers=3) as s:
        for number in range(rounds):
            await s.brokers_die(1 + number % 3)
            await s.brokers_die(1, 2, 3)
            await s.assert_balanced()
            sys.stdout.write(f"\nthree brokers: {s}: books balance\n")
