"""The administrator's page says what the code does."""

import re
from pathlib import Path

import pytest
import yaml

from streams.crm.limits import Limits
from streams.crm.salesforce import Options, connect
from tests.crm_fakes import salesforce

PAGE = (Path(__file__).parents[4] / "docs" / "crm" / "salesforce.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("sample", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_samples_of_the_credentials_file_can_be_read(sample: str) -> None:
    Options.model_validate(yaml.safe_load(sample))


def test_every_option_is_in_the_table_and_no_other() -> None:
    names = ", ".join(re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| .* \| .* \|$", PAGE, re.MULTILINE))
    told = set(re.findall(r"`(\w+)`", names.partition("`subject`")[0]))
    assert told == set(Options.model_fields)


async def test_all_that_the_check_looks_at_is_in_the_table() -> None:
    fake = salesforce.Salesforce()
    options = Options.model_validate(
        {"client_id": salesforce.CLIENT_ID, "client_secret": salesforce.CLIENT_SECRET}
    )
    async with fake.serving() as url:
        crm = connect(url, options, Limits())
        findings = await crm.check()
        await crm.close()
    subjects = [finding.subject.partition(":")[0] for finding in findings]
    assert [subject for subject in subjects if subject not in PAGE] == []
