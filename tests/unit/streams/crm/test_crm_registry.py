from collections.abc import Mapping

import pytest

from streams.crm.registry import CONNECTORS, UnknownCRM, connector


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_name_has_its_connector(name: str) -> None:
    assert connector(name) is CONNECTORS[name]


def test_an_unknown_crm_says_what_there_is() -> None:
    with pytest.raises(UnknownCRM, match="'sugar' is unknown: choose one of dynamics, hubspot"):
        connector("sugar")


OPTIONS: Mapping[str, Mapping[str, str]] = {
    "dynamics": {"tenant_id": "t", "client_id": "id", "client_secret": "secret"},
    "hubspot": {"access_token": "secret"},
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


@pytest.mark.parametrize("name", sorted(CONNECTORS.keys() - {"hubspot"}))
def test_a_connector_without_an_address_says_what_one_looks_like(name: str) -> None:
    """HubSpot has one for all; see tests/contracts/test_crm_hubspot.py."""
    one = connector(name)
    with pytest.raises(ValueError, match=r"://|takes tasks"):
        one.connect(None, one.options.model_validate(OPTIONS[name]), one.limits)
