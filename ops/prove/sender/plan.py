"""What a sender is told: the whole of it in one JSON file."""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath

from ops.prove.load import Workload


def _local(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "http" or not parts.hostname or not parts.port or not parts.path:
        raise ValueError(f"{url} is not http://HOST:PORT/PATH")
    return url


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Planting(_Part):
    """Where poison is put without an ingress: the raw topic, which has to exist."""

    bootstrap_servers: str
    topic: str
    partitions: int = Field(ge=1)


class Plan(_Part):
    """One run of the sender.

    `rate` is deliveries begun per second, retries not counted; `routes` are webhook URLs by the
    name of the process behind each; `aborts` is the share of deliveries whose first attempt ends
    in the middle of its body. Without `planting`, poison is delivered like all else.
    """

    seed: int
    name: str
    events: int = Field(ge=0)
    rate: float = Field(gt=0)
    routes: dict[str, Annotated[str, AfterValidator(_local)]] = Field(min_length=1)
    secret_file: FilePath
    ledger: Path
    planting: Planting | None = None
    aborts: float = Field(default=0.002, ge=0, le=1)
    most_in_flight: int = Field(default=256, ge=1, description="Connections to one route.")
    patience_seconds: float = Field(default=120.0, ge=0, description="Of one delivery.")
    answer_seconds: float = Field(
        default=5.0, gt=0, description="Longer than Seismic's 3 s: a late answer has to be seen."
    )

    def workload(self) -> Workload:
        """Return what is sent.

        Raises:
            ValueError: the name is not one.
        """
        return Workload(self.seed, self.events, self.name)

    def secret(self) -> str:
        """Return the first secret of the file: during a rotation there are several.

        Raises:
            ValueError: there is none.
        """
        secrets = self.secret_file.read_text().split()
        if not secrets:
            raise ValueError(f"{self.secret_file} holds no secret")
        return secrets[0]
