"""Which CRM gets which tenant's commands, and how each is asked: what the operator says of it."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from streams.crm import CRM, Unavailable
from streams.crm.files import BadFile, complaints, read
from streams.crm.limits import Limits
from streams.crm.registry import Connector, connector
from streams.crm.secret import InFile
from streams.crm.signing import BadSecret

DEFAULT = "default"
"""The name, in metrics and logs, of the target that serves every tenant no other one does."""

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]


class BadTarget(ValueError):
    """A target cannot be used as it is described; `member` is the one to mend.

    The message repeats neither URL nor secret.
    """

    def __init__(self, member: str, why: str) -> None:
        super().__init__(why)
        self.member = member


class Description(BaseModel):
    """One CRM: which, where, with what credentials, and how hard it may be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    crm: str
    url: str | None = Field(None, repr=False)
    credentials_file: Path | None = None
    requests_per_second: float | None = Field(None, gt=0, allow_inf_nan=False)
    concurrency: int | None = Field(None, ge=1)
    timeout_seconds: float = Field(10.0, gt=0, allow_inf_nan=False)

    def connect(self, options: Mapping[str, Any] | None = None) -> CRM:
        """Return the connector; nothing is opened. `options` stand in for the credentials file.

        Raises:
            BadTarget: what is wrong, and where.
        """
        chosen = self._connector()
        given = self._options(chosen.options, options or {})
        try:
            return chosen.connect(self.url, given, self._limits(chosen.limits))
        except (BadSecret, Unavailable) as error:
            raise BadTarget("secret", str(error)) from error
        except ValueError as error:
            raise BadTarget("url", str(error)) from error

    def _connector(self) -> Connector:
        try:
            return connector(self.crm)
        except ValueError as error:
            raise BadTarget("crm", str(error)) from error

    def _options(self, model: type[BaseModel], options: Mapping[str, Any]) -> BaseModel:
        try:
            given = read(self.credentials_file, model) if self.credentials_file else None
            given = given or model.model_validate(options)
        except BadFile as error:
            raise BadTarget("credentials_file", str(error)) from error
        except ValidationError as error:
            wanted = [name for name, one in model.model_fields.items() if one.is_required()]
            why = f"it needs {', '.join(wanted)}" if wanted else "; ".join(complaints(error))
            raise BadTarget("credentials_file", f"set it to a YAML file: {why}") from error
        for name, value in given:
            if isinstance(value, InFile) and not value.file.is_file():
                raise BadTarget("credentials_file", f"{name}: there is no file {value.file}")
        return given

    def _limits(self, usual: Limits) -> Limits:
        limits = replace(usual, timeout=self.timeout_seconds)
        if self.concurrency is not None:
            limits = replace(limits, concurrency=self.concurrency)
        if self.requests_per_second is not None:
            # A second's worth at once after a rest, so that no second has more than twice that.
            burst = max(1, math.floor(self.requests_per_second))
            limits = replace(limits, per_second=self.requests_per_second, burst=burst)
        return limits


class Further(Description):
    """A target beside the default one, with the tenants that it serves."""

    tenants: Annotated[frozenset[Annotated[str, Field(min_length=1)]], Field(min_length=1)]


class _Targets(RootModel[dict[Name, Further]]):
    @model_validator(mode="after")
    def _no_name_is_taken(self) -> Self:
        if DEFAULT in self.root:
            raise ValueError(f"{DEFAULT}: is the target that GEOPHONE_CRM describes, rename it")
        return self

    @model_validator(mode="after")
    def _one_target_a_tenant(self) -> Self:
        served: dict[str, str] = {}
        for name, target in self.root.items():
            for tenant in sorted(target.tenants):
                if (other := served.setdefault(tenant, name)) != name:
                    raise ValueError(
                        f"{name}.tenants: {tenant!r} is in {other}.tenants, too; take it out of one"
                    )
        return self


def read_targets(file: Path) -> Mapping[str, Further]:
    """Return the further targets by name; credentials files are relative to the file.

    Raises:
        BadFile: see there.
    """
    targets = read(file, _Targets).root
    return {name: _beside(file, target) for name, target in targets.items()}


def _beside(file: Path, target: Further) -> Further:
    if target.credentials_file is None:
        return target
    path = file.parent / target.credentials_file
    return target.model_copy(update={"credentials_file": path})
