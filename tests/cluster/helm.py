"""A release of the chart, handled as an operator handles it: with Helm's own command."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.kubectl import Kubectl, said
from tests.cluster.tools import program

CHART = Path(__file__).parents[2] / "deploy" / "chart"
NAME = "geophone"
_TIMEOUT = "--timeout=280s"


@dataclass(frozen=True)
class Release:
    """The release `geophone` in a namespace; `helm` is helm3 or helm4."""

    kubectl: Kubectl
    values: Mapping[str, Any]
    helm: str = "helm4"

    def install(self, chart: Path = CHART) -> None:
        self._run("install", NAME, str(chart), "--wait", _TIMEOUT, "--values=-")

    def upgrade(self, *options: str, chart: Path = CHART) -> None:
        self._run("upgrade", NAME, str(chart), "--wait", _TIMEOUT, "--values=-", *options)
        self.kubectl.until_none_ends()

    def test(self) -> str:
        """Run `helm test` and return its output with the canary's; raises CommandFailed."""
        return self._run("test", NAME, "--logs", _TIMEOUT)

    def rollback(self) -> None:
        self._run("rollback", NAME, "--wait", _TIMEOUT)
        self.kubectl.until_none_ends()

    def uninstall(self) -> None:
        self._run("uninstall", NAME, "--wait", _TIMEOUT)

    def history(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._run("history", NAME, "--output=json"))
        return found

    @property
    def url(self) -> str:
        """Where the webhook is, by the Service's own address."""
        service = json.loads(self.kubectl("get", "service", f"{NAME}-ingress", "--output=json"))
        [port] = service["spec"]["ports"]
        return f"http://{service['spec']['clusterIP']}:{port['port']}/webhook"

    def restart(self, component: str) -> None:
        """Replace every pod of a workload, as a new version would; return when the old are gone."""
        kind = "deployment" if component == "ingress" else "statefulset"
        workload = f"{kind}/{NAME}-{component}"
        self.kubectl("rollout", "restart", workload)
        self.kubectl("rollout", "status", workload, _TIMEOUT)
        self.kubectl.until_none_ends()

    def _run(self, *arguments: str) -> str:
        place = (f"--kubeconfig={self.kubectl.kubeconfig}", f"--namespace={self.kubectl.namespace}")
        return said((program(self.helm), *place, *arguments), json.dumps(self.values))
