"""The checker finds every seeded defect within three minutes, and nothing where there is none."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ops.prove.checker import books, check, void_reasons
from ops.prove.findings import Finding, Verdict
from ops.prove.round import Played
from ops.prove.verdict import judge
from tests.mutants.defects import (
    DEFECTS,
    INGRESS_TROUBLE,
    KILL_WORKER,
    LEADER_LOST,
    WORKER_KILLS,
    Defect,
    Scene,
)
from tests.mutants.trial import play_with

WITHIN_SECONDS = 180.0

pytestmark = [
    pytest.mark.mutants,
    pytest.mark.timeout(2 * WITHIN_SECONDS),
    pytest.mark.usefixtures("trial_faults"),
]

Note = Callable[[str, object], None]

CONTROLS = (
    Scene(1, 15, (*WORKER_KILLS.faults, *INGRESS_TROUBLE.faults), proxied=True),
    Scene(3, 15, (KILL_WORKER, *LEADER_LOST.faults), proxied=True),
)


@pytest.mark.parametrize("defect", DEFECTS.values(), ids=lambda defect: defect.name)
async def test_the_checker_finds(defect: Defect, tmp_path: Path, record_property: Note) -> None:
    _, findings = await _trial(defect.name, defect.scene, tmp_path, record_property)
    assert defect.found_as <= {finding.name for finding in findings}


@pytest.mark.parametrize("scene", CONTROLS, ids=lambda scene: f"{scene.brokers}-brokers")
async def test_without_a_defect_it_finds_nothing(
    scene: Scene, tmp_path: Path, record_property: Note
) -> None:
    played, findings = await _trial("", scene, tmp_path, record_property)
    assert judge([], findings, books(played.history)) == (Verdict.PASSED, ())


async def _trial(
    defect: str, scene: Scene, folder: Path, note: Note
) -> tuple[Played, list[Finding]]:
    began = time.monotonic()
    async with asyncio.timeout(WITHIN_SECONDS):
        played = await play_with(defect, scene, folder)
    findings = check(played.history)
    note("trial", defect or f"none, {scene.brokers} broker(s)")
    note("seconds", round(time.monotonic() - began))
    note("found", ", ".join(f"{one.name} {one.count}" for one in findings) or "nothing")
    assert void_reasons(played.history) == []
    return played, findings
