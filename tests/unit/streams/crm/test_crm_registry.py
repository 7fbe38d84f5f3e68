from collections.abc import Mapping

import pytest

from streams.crm.registry import CONNECTORS, PLANNED, UnknownCRM, connector


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_name_has_its_connector(name: str) -> None:
    assert connector(name) is CONNECTORS[name]


@pytest.mark.parametrize("name", ["hubspot"])
def test_a_planned_crm_says_that_it_is_not_there_yet(name: str) -> None:
    with pytest.raises(UnknownCRM, match=f"'{name}' is not there yet: choose one of dynamics"):
        connector(name)


def test_an_unknown_crm_says_what_there_is() -> None:
    with pytest.raises(UnknownCRM, match="'sugar' is unknown: choose one of dynamics, salesforce"):
        connector("sugar")


def test_no_crm_is_both_there_and_planned() -> None:
    assert not PLANNED & CONNECTORS.keys()


OPTIONS: Mapping[str, Mapping[str, str]] = {
    "dynamics": {"tenant_id": "id", "client_id": "id", "client_secret": "secret"},
    "salesforce": {"client_id": "id", "client_secret": "secret"},
    "sandbox": {},
    "webhook": {},
}


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_connector_is_made_without_opening_anything(name: str) -> None:
    """There is not even a loop here."""
    one = connector(name)
    given = one.options.model_validate(OPTIONS[name])
    one.connect("https://crm.example.com", given, one.limits)
    with pytest.raises(ValueError, match=r"://|takes tasks"):
        one.connect(None, given, one.limits)
