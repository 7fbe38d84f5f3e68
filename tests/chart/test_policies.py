"""Every rule holds for every fixture."""

import pytest

from tests.chart.policies import POLICIES
from tests.chart.rendered import FIXTURES, fixture


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", FIXTURES)
def test_the_rule_holds(name: str, policy: str) -> None:
    assert list(POLICIES[policy](fixture(name))) == []
