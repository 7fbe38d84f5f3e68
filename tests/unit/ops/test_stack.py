"""Which ends of its processes a stack tells of."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ops.child import Child
from ops.stack import Choice, Stack


@pytest.mark.parametrize(
    ("revive", "told"), [(True, [-9, -15, 0, 70, -11, 78]), (False, [70, -11, 78])]
)
def test_under_faults_it_tells_only_of_ends_that_were_not_meant(
    tmp_path: Path, *, revive: bool, told: list[int]
) -> None:
    said: list[str] = []
    stack = Stack(Choice(tmp_path, revive=revive), said.append)
    child = SimpleNamespace(
        program=SimpleNamespace(name="ingress-1"), exits=[-9, -15, 0, 70, -11, 78], log="its log"
    )
    for _ in range(2):
        stack._tell_ends(cast("Child", child))
    ends = [f"ingress-1 ended by itself (code {code})" for code in told]
    assert [line.partition(" and ")[0] for line in said] == ends
