"""How much of a run: what a user may change, and what does not fit."""

from itertools import groupby

import pytest

from ops.prove.faults import FAULTS
from ops.prove.profiles import PROFILES, SEEDS, Profile, WrongSize, alone, cells

SMALL = Profile("small", events=100, kills=3, seconds=20, faults=("term worker",))


def test_the_sizes_that_are_promised() -> None:
    sizes = {name: (each.events, each.kills) for name, each in PROFILES.items()}
    assert sizes["ci"] == (50_000, 60)
    assert sizes["soak"] == (1_000_000, 1_000)
    assert PROFILES["quick"].seconds < 180


@pytest.mark.parametrize("name", PROFILES)
def test_each_size_fits_and_knows_its_faults(name: str) -> None:
    profile = PROFILES[name]
    assert profile.changed() == profile
    assert set(profile.faults) <= FAULTS.keys()


def test_what_is_not_changed_stays() -> None:
    assert SMALL.changed(events=7) == Profile("small", 7, 3, 20, ("term worker",))
    assert SMALL.changed(minutes=2) == Profile("small", 100, 3, 120, ("term worker",))


def test_none_at_all_is_a_wish_too() -> None:
    calm = SMALL.changed(kills=0, faults=[])
    assert (calm.kills, calm.faults) == (0, ())


def test_more_faults_than_fit_are_refused_with_the_time_that_they_need() -> None:
    with pytest.raises(WrongSize, match=r"^11 faults do not fit into 20 s: give it --minutes 0\.4"):
        SMALL.changed(kills=10)
    assert SMALL.changed(kills=9).kills == 9


@pytest.mark.parametrize("kills", range(1, 200, 7))
def test_the_advised_time_is_enough(kills: int) -> None:
    with pytest.raises(WrongSize) as refused:
        SMALL.changed(kills=kills, minutes=0.01)
    minutes = float(str(refused.value).split("--minutes ")[1].split()[0])
    assert SMALL.changed(kills=kills, minutes=minutes).kills == kills


def test_one_cell_is_one_fault_under_load_from_before_to_after() -> None:
    profile = alone("pause worker", 8, 120)
    assert (profile.faults, profile.kills) == (("pause worker",), 0)
    assert profile.seconds > 8
    assert profile.events > 8 * 120


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_fits_into_its_cell(name: str) -> None:
    profile = alone(name, FAULTS[name].seconds, FAULTS[name].rate)
    assert profile.changed() == profile


def test_the_matrix_plays_every_fault_under_seeds_of_its_own() -> None:
    every = list(cells(FAULTS, 7))
    assert len(every) >= 30 * SEEDS
    rows = {fault: [seed for _, seed in row] for fault, row in groupby(every, lambda one: one[0])}
    assert rows == {fault: [7, 8, 9] for fault in FAULTS}
