import pytest

from streams.crm.registry import CONNECTORS, PLANNED, UnknownCRM, connector


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_every_name_has_its_connector(name: str) -> None:
    assert connector(name) is CONNECTORS[name]


@pytest.mark.parametrize("name", ["dynamics", "hubspot", "salesforce"])
def test_a_planned_crm_says_that_it_is_not_there_yet(name: str) -> None:
    with pytest.raises(UnknownCRM, match=f"'{name}' is not there yet: choose one of sandbox, web"):
        connector(name)


def test_an_unknown_crm_says_what_there_is() -> None:
    with pytest.raises(UnknownCRM, match="'sugar' is unknown: choose one of sandbox, webhook"):
        connector("sugar")


def test_no_crm_is_both_there_and_planned() -> None:
    assert not PLANNED & CONNECTORS.keys()


@pytest.mark.parametrize("name", sorted(CONNECTORS))
def test_a_connector_needs_an_address_or_knows_its_own(name: str) -> None:
    """Nothing is opened by connecting: there is not even a loop here."""
    one = connector(name)
    with pytest.raises(ValueError, match="set it to where the CRM takes tasks"):
        one.connect(None, one.options(), one.limits)
