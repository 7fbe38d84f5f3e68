"""The table of defects and the patches belong together."""

import pytest

from ops.prove.checker.invariants import INVARIANT_OF
from tests.mutants import ingress, streams
from tests.mutants.defects import DEFECTS, Defect
from tests.mutants.faults import TRIAL_FAULTS

PATCHES = {"ingress": ingress.PATCHES, "streams": streams.PATCHES}


def test_there_are_twelve_and_each_has_its_patch() -> None:
    assert len(DEFECTS) == 12
    for role, patches in PATCHES.items():
        assert set(patches) == {one.name for one in DEFECTS.values() if one.role == role}


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=lambda defect: defect.name)
def test_the_checker_knows_what_each_is_to_be_found_as(defect: Defect) -> None:
    assert defect.found_as
    assert defect.found_as <= INVARIANT_OF.keys()


def test_every_fault_of_a_trial_exists() -> None:
    wanted = {fault for one in DEFECTS.values() for fault in one.scene.faults}
    assert wanted == TRIAL_FAULTS.keys()
