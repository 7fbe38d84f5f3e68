"""Lifecycle callbacks are told from events although both have a `type` and a `version`."""

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import lifecycle
from schemas.lifecycle import KINDS, Callback
from schemas.names import MAX_NAME
from schemas.reasons import Malformed, Reason

DATA = Path(__file__).parents[2] / "data" / "seismic"


@pytest.fixture
def install() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((DATA / "lifecycle" / "install.json").read_bytes())
    return parsed


def test_the_documented_callback_is_recognised(install: dict[str, Any]) -> None:
    assert lifecycle.recognise(install) == Callback(
        tenant_id="234b9f0d-853d-4210-b5d2-b0574e003fcc",
        request_id="de680a3a-2b4c-4d6e-8f10-a1b2c3d4e503",
        kind="install",
        timestamp="2020-09-01T08:45:42Z",
    )


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_recognised_in_any_case(install: dict[str, Any], kind: str) -> None:
    callback = lifecycle.recognise(install | {"type": kind.upper()})
    assert callback is not None
    assert callback.kind == kind


@pytest.mark.parametrize("missing", ["appId", "tenantId", "requestId", "type"])
@pytest.mark.parametrize("value", [None, "", 7])
def test_without_any_of_its_marks_it_is_no_callback(
    install: dict[str, Any], missing: str, value: object
) -> None:
    assert lifecycle.recognise(install | {missing: value}) is None


def test_a_strange_timestamp_is_left_out(install: dict[str, Any]) -> None:
    callback = lifecycle.recognise(install | {"timestamp": 1598949942000})
    assert callback is not None
    assert callback.timestamp is None


def test_no_event_is_taken_for_a_callback() -> None:
    for file in [*DATA.glob("events/*.json"), *DATA.glob("verification/*.json")]:
        assert lifecycle.recognise(json.loads(file.read_bytes())) is None


@pytest.mark.parametrize("member", ["tenantId", "requestId"])
@pytest.mark.parametrize("name", ["x" * (MAX_NAME + 1), "line\nbreak"])
def test_a_name_unfit_for_a_header_is_refused(
    install: dict[str, Any], member: str, name: str
) -> None:
    with pytest.raises(Malformed) as refused:
        lifecycle.recognise(install | {member: name})
    assert refused.value.reason is Reason.WRONG_SHAPE
