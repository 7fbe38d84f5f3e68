"""Settings of the streams process, read once from GEOPHONE_… variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from schemas.settings import ClusterSettings
from streams.crm.registry import connector
from streams.rules import loader
from streams.rules.book import RuleBook
from streams.rules.model import DEFAULT_BUSINESS_DAYS, MAX_BUSINESS_DAYS

STAGES = ("dedup", "followup", "crm")


class Settings(ClusterSettings, BaseSettings):
    """Everything an operator can choose; the descriptions are what `--help` prints."""

    model_config = SettingsConfigDict(env_prefix="GEOPHONE_", frozen=True, extra="ignore")

    stages: Annotated[tuple[str, ...], NoDecode] = Field(
        STAGES, description="Which stages run here: dedup, followup, crm, comma separated."
    )
    app_id: str = Field(
        "geophone",
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Prefix of consumer groups and transactional ids; one per installation.",
    )

    marks: Literal["rocksdb", "memory"] = Field(
        "rocksdb", description="Where dedup marks are kept; memory is for small installations."
    )
    state_dir: Path = Field(
        Path("geophone-state"), description="Folder of the RocksDB marks; one per process."
    )
    session_timeout_seconds: float = Field(
        20.0, ge=1, description="How long a silent worker keeps its partitions."
    )
    instance: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._-]{1,100}$",
        description="Name of this process that outlives it, such as a StatefulSet pod's: started "
        "again within the session time-out it has its partitions back at once, and no other "
        "worker stops for it. Unset: a worker that ends is replaced by the others.",
    )
    stalled_seconds: float = Field(
        180.0, ge=1, description="/livez fails when there is work and nothing moved for this long."
    )

    crm: str = Field(
        "webhook",
        description="Connector of the crm stage: salesforce, hubspot, dynamics, webhook, sandbox.",
    )
    crm_url: str | None = Field(None, description="Where the connector delivers.")
    crm_secret: SecretStr | None = Field(
        None, description="Signs deliveries by Standard Webhooks (whsec_…)."
    )
    crm_secret_file: Path | None = Field(None, description="File with that secret.")
    crm_credentials_file: Path | None = Field(
        None, description="YAML file with the connector's credentials and options."
    )
    crm_targets_file: Path | None = Field(
        None, description="YAML file with further CRMs and the tenants that each serves."
    )
    crm_timeout_seconds: float = Field(10.0, gt=0, description="Longest one call to the CRM takes.")
    crm_requests_per_second: float | None = Field(
        None,
        gt=0,
        allow_inf_nan=False,
        description="Calls to the CRM per second and process. Unset: 10 to a vendor's, no limit to "
        "a webhook.",
    )
    crm_concurrency: int | None = Field(
        None,
        ge=1,
        description="Calls to the CRM under way per process. Unset: 8 to a vendor's, 64 to a "
        "webhook.",
    )
    crm_max_refused_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="Most refusals among a CRM's last 100 decisions that become dead letters; "
        "beyond it deliveries are held and tried again. 1: never hold.",
    )
    task_due_business_days: int = Field(
        DEFAULT_BUSINESS_DAYS,
        ge=0,
        le=MAX_BUSINESS_DAYS,
        description="Business days between a LiveSend and its follow-up's due date, where the "
        "rules file does not say.",
    )
    task_rules_file: Path | None = Field(
        None, description="Which tasks are made of which events, see docs/task-rules.md."
    )

    admin_host: str = Field("0.0.0.0", description="Address of /livez, /readyz, /metrics.")  # noqa: S104 - a pod's probes and Prometheus come from outside
    admin_port: int = Field(9091, ge=0, le=65535, description="Their port; 0 picks a free one.")
    ready_file: Path | None = Field(
        None, description="Written once up: JSON with url and pid, for a supervisor."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Of all logs."
    )

    @field_validator("stages", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(dict.fromkeys(filter(None, map(str.strip, value.split(",")))))

    @field_validator("stages")
    @classmethod
    def _known(cls, stages: tuple[str, ...]) -> tuple[str, ...]:
        if not stages or set(stages) - set(STAGES):
            raise ValueError(f"choose from {', '.join(STAGES)}")
        return stages

    @field_validator("crm")
    @classmethod
    def _has_a_connector(cls, name: str) -> str:
        connector(name)
        return name

    def check_files(self) -> None:
        """Find the files that are to be read; the one at ready_file is written instead.

        Raises:
            ValueError: names the setting whose file is missing.
        """
        for name in type(self).model_fields:
            path = getattr(self, name)
            if name.endswith("_file") and name != "ready_file" and path and not path.is_file():
                raise ValueError(f"GEOPHONE_{name.upper()}: there is no file {path}")

    def rules(self) -> RuleBook:
        """Read the rules file, if there is one.

        Raises:
            ValueError: it cannot be used; names file and lines.
        """
        if self.task_rules_file is None:
            return RuleBook(due_business_days=self.task_due_business_days)
        try:
            file = loader.load(self.task_rules_file)
        except loader.BadRules as error:
            raise ValueError(f"GEOPHONE_TASK_RULES_FILE: {error}") from error
        return RuleBook(file, self.task_due_business_days)
