"""What an operator says about a Dataverse environment, beside its URL."""

from datetime import time
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from streams.crm.call import base_url
from streams.crm.clock import ClockTime
from streams.crm.dynamics.mapping import DueTime
from streams.crm.secret import Secret


class Options(BaseModel):
    """The application that signs in, and when on its day a task is due.

    `authority` and `scope` are for national clouds; the scope is `<the CRM's URL>/.default` unless
    set. 10:00 UTC is the same day from Honolulu to Auckland: change it where all sellers share a
    time zone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tenant_id: str = Field(pattern=r"^[A-Za-z0-9.-]+$")
    client_id: str = Field(min_length=1)
    client_secret: Secret
    authority: Annotated[str, AfterValidator(base_url)] = "https://login.microsoftonline.com"
    scope: str | None = None
    due_time: ClockTime = time(10)
    time_zone: ZoneInfo = ZoneInfo("UTC")

    @property
    def token_url(self) -> str:
        """Where Entra gives tokens for this tenant."""
        return f"{self.authority}/{self.tenant_id}/oauth2/v2.0/token"

    @property
    def due(self) -> DueTime:
        """The moment of the day at which a task is due."""
        return DueTime(self.due_time, self.time_zone)
