"""What the stack runs beside Kafka: the command line and the environment of each process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ops.child import Program
from ops.ports import HOST

APP_ID = "geophone"
"""Prefix of the stack's consumer groups; a dash and the stage follow."""


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of one stack; the two files hold a secret each.

    `kafka` is where each role finds Kafka. `modules` names what to run in place of a role's own
    module; `environment` goes to ingresses and workers alike, and wins.
    """

    kafka: Mapping[str, str]
    topic_prefix: str
    secret_file: Path
    crm_secret_file: Path
    modules: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def sandbox(self, port: int) -> Program:
        return Program(
            "crm",
            "crm-sandbox",
            "ops.sandbox",
            {"GEOPHONE_SANDBOX_SECRET": self.crm_secret_file.read_text().strip()},
            ["--port", str(port), "--database", "tasks.sqlite", "--ready-file", "ready.json"],
        )

    def ingress(self, number: int, port: int) -> Program:
        environment = {
            "GEOPHONE_HOST": HOST,
            "GEOPHONE_PORT": str(port),
            "GEOPHONE_SECRETS_FILES": str(self.secret_file),
            "GEOPHONE_DRAIN_SECONDS": "1",
        }
        return self._program("ingress", number, environment)

    def worker(self, number: int, crm_port: int) -> Program:
        environment = {
            "GEOPHONE_APP_ID": APP_ID,
            "GEOPHONE_STATE_DIR": "marks",
            "GEOPHONE_SESSION_TIMEOUT_SECONDS": "6",
            "GEOPHONE_CRM": "sandbox",
            "GEOPHONE_CRM_URL": f"http://{HOST}:{crm_port}",
            "GEOPHONE_CRM_SECRET_FILE": str(self.crm_secret_file),
        }
        return self._program("streams", number, environment)

    def _program(self, role: str, number: int, environment: Mapping[str, str]) -> Program:
        module = self.modules.get(role, role)
        merged = {**self._common(role), **environment, **self.environment}
        return Program(role, f"{role}-{number}", module, merged)

    def _common(self, role: str) -> Mapping[str, str]:
        return {
            "GEOPHONE_KAFKA_BOOTSTRAP_SERVERS": self.kafka[role],
            "GEOPHONE_TOPIC_PREFIX": self.topic_prefix,
            "GEOPHONE_ADMIN_HOST": HOST,
            "GEOPHONE_ADMIN_PORT": "0",
            "GEOPHONE_READY_FILE": "ready.json",
        }
