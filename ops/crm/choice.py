"""The same settings and the same CRMs as the streams process has by its environment."""

from pathlib import Path

from pydantic import ValidationError

from schemas.settings import complaints
from streams.crm.target import Target
from streams.crm_targets import targets
from streams.settings import Settings

HOW_TO_CONFIGURE = (
    "set GEOPHONE_CRM and GEOPHONE_CRM_URL as for geophone-streams (its --help lists them all)"
)


class WrongChoice(ValueError):
    """Settings, rules or CRM cannot be used; the message names what and says what to do."""


def settings(rules: Path | None = None) -> Settings:
    """Read the GEOPHONE_… variables; `rules` wins over GEOPHONE_TASK_RULES_FILE.

    Raises:
        WrongChoice: one of them is wrong.
    """
    try:
        return Settings(task_rules_file=rules) if rules else Settings()
    except ValidationError as error:
        raise WrongChoice("; ".join(complaints(error))) from None


def configured(chosen: Settings) -> list[Target]:
    """Return the CRMs, nothing of them opened; none if no variable speaks of one.

    Raises:
        ValueError: one of them is described wrongly; names variable or file.
    """
    spoken_of = any(name.startswith("crm") for name in chosen.model_fields_set)
    return targets(chosen) if spoken_of else []
