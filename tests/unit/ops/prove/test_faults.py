"""The table of faults, and what each needs before it may strike."""

import errno
from pathlib import Path
from random import Random

import pytest

from ops.prove import faults
from ops.prove.faults import FAULTS, NOTHING, Fault, FaultFailed, NotHere, Site
from ops.prove.faults.disk import SmallDisk
from ops.prove.faults.fault import together
from ops.prove.history import Strike
from ops.stack import Choice, Stack

DICE = Random(1)  # noqa: S311 - to be repeated


def site(folder: Path, kafka: str | None = None) -> Site:
    return Site(Stack(Choice(folder, kafka=kafka, revive=False), lambda _: None))


def test_no_two_faults_have_the_same_name() -> None:
    assert len(faults._ROWS) == len(FAULTS) >= 36
    assert NOTHING in FAULTS


def test_a_row_counts_kills_if_it_is_one() -> None:
    killing = {name for name, fault in FAULTS.items() if fault.kills}
    named = {name for name in FAULTS if name.startswith("kill ")}
    assert killing == named | {"min.insync.replicas lost"}


def test_a_row_that_strikes_links_says_that_it_needs_them() -> None:
    assert {name for name, fault in FAULTS.items() if fault.wired} == {
        name
        for name, fault in FAULTS.items()
        if fault.inflict.__module__ == "ops.prove.faults.links"
    }


def test_a_stack_that_would_undo_the_faults_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="revive=False"):
        Site(Stack(Choice(tmp_path), lambda _: None))


@pytest.mark.parametrize("fault", ["cut ingress-kafka", "reset client-ingress", "crm down"])
async def test_a_stack_without_links_cannot_be_cut(tmp_path: Path, fault: str) -> None:
    with pytest.raises(NotHere, match="links"):
        await FAULTS[fault].strike(site(tmp_path), DICE)


@pytest.mark.parametrize("fault", ["kill broker", "rolling restart of brokers"])
async def test_somebody_elses_kafka_is_left_alone(tmp_path: Path, fault: str) -> None:
    with pytest.raises(NotHere, match="own"):
        await FAULTS[fault].strike(site(tmp_path, "kafka.example.com:9092"), DICE)


async def test_a_stack_without_workers_has_none_to_kill(tmp_path: Path) -> None:
    with pytest.raises(NotHere, match="streams"):
        await FAULTS["kill worker"].strike(site(tmp_path), DICE)


async def test_what_goes_wrong_on_the_way_is_a_failed_fault_and_names_it(tmp_path: Path) -> None:
    async def inflict(_: Site, __: Random) -> Strike:
        raise TimeoutError("nobody answered")

    with pytest.raises(FaultFailed, match=r"flood: .*nobody answered"):
        await Fault("flood", "none", 1, inflict).strike(site(tmp_path), DICE)


def test_blows_that_are_one_last_from_the_first_to_the_last_healing() -> None:
    one = Strike("", "a", 1.0, 5.0, "code 0")
    other = Strike("", "b", 2.0, 3.0, "code 0")
    assert together([one, other]) == Strike("", "a, b", 1.0, 5.0, "code 0")


def test_a_small_disk_keeps_the_files_fills_up_and_leaves_no_trace(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "before").write_text("a wave")
    disk = SmallDisk(folder)
    try:
        disk.put()
    except NotHere as error:
        pytest.skip(str(error))
    try:
        disk.fill()
        with pytest.raises(OSError, match="No space") as full:
            (folder / "late").write_bytes(bytes(10_000_000))
        assert full.value.errno == errno.ENOSPC
        disk.make_room()
        (folder / "after").write_text("another wave")
    finally:
        disk.take_away()
    assert not folder.is_mount()
    assert (folder / "before").read_text() == "a wave"
    assert (folder / "after").read_text() == "another wave"
    assert [each.name for each in tmp_path.iterdir()] == ["data"]
