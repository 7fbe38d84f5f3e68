"""What an operator can choose for Salesforce."""

import re
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from streams.crm.secret import Secret

_Name = Annotated[
    str, StringConstraints(pattern=re.compile(r"^[A-Za-z]\w{0,79}$", re.ASCII).pattern)
]


class Options(BaseModel):
    """Credentials and options, as the credentials file holds them.

    Either `client_secret` (OAuth client credentials) or `private_key` and `username` (OAuth JWT
    bearer). `audience`: what the signed assertion is for, https://test.salesforce.com in a sandbox.
    `key_field`: the field of Task that holds the command's key; with `query_first` any that can be
    filtered by, such as CallObject. `link_to`: where the recipient is looked for. `fields`: further
    fields and their values, the same for every task, such as those the organisation requires.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str
    client_secret: Secret | None = None
    private_key: Secret | None = None
    username: str | None = None
    audience: str = "https://login.salesforce.com"
    api_version: Annotated[str, StringConstraints(pattern=r"^[1-9]\d\.0$")] = "62.0"
    key_field: _Name = "Geophone_Key__c"
    query_first: bool = False
    link_to: tuple[Literal["Contact", "Lead"], ...] = ("Contact", "Lead")
    status: str = "Not Started"
    priorities: dict[Literal["low", "normal", "high"], str] = Field(
        default={"low": "Low", "normal": "Normal", "high": "High"}
    )
    fields: dict[_Name, str | int | float | bool] = Field(default={})

    @model_validator(mode="after")
    def _one_grant(self) -> Self:
        bearer = self.private_key is not None and self.username is not None
        if bearer == (self.client_secret is not None):
            raise ValueError("give either client_secret, or private_key and username")
        return self
