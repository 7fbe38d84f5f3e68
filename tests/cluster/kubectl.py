"""Talks to the cluster as an operator does, and waits for what it is to become."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.tools import program

_SECONDS = 330


class CommandFailed(Exception):
    """A command ended with an error; the message is what it said."""


@dataclass(frozen=True)
class Kubectl:
    """kubectl with a kubeconfig, in one namespace."""

    kubeconfig: Path
    namespace: str = "default"

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Run it and return what it prints.

        Raises:
            CommandFailed: it did not work.
        """
        place = (f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}")
        return said((program("kubectl"), *place, *arguments), stdin)

    def within(self, namespace: str) -> "Kubectl":
        return Kubectl(self.kubeconfig, namespace)

    def apply(self, *objects: Mapping[str, Any]) -> None:
        listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--filename=-", stdin=json.dumps(listed))

    def get(self, *what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("get", *what, "--output=json"))["items"]
        return found

    def pods(self, component: str) -> list[dict[str, Any]]:
        return self.get("pods", f"--selector=app.kubernetes.io/component={component}")

    def until_none_ends(self) -> None:
        """Wait for the pods that were told to end: until then they may still do harm, or work."""
        for pod in self.get("pods"):
            if "deletionTimestamp" in pod["metadata"]:
                self("wait", f"pod/{pod['metadata']['name']}", "--for=delete", "--timeout=120s")

    def answers(self) -> bool:
        return self._works("get", "--raw=/readyz")

    def has_accounts(self) -> bool:
        return self._works("get", "serviceaccount", "default")

    def is_ready(self, node: str) -> bool:
        return self._works("wait", f"node/{node}", "--for=condition=Ready", "--timeout=1s")

    def _works(self, *arguments: str) -> bool:
        try:
            self(*arguments)
        except CommandFailed:
            return False
        return True


def said(command: tuple[str, ...], stdin: str | None = None) -> str:
    """Run a command and return what it prints; raises CommandFailed."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, input=stdin, timeout=_SECONDS
    )
    if done.returncode:
        named = Path(command[0]).name
        raise CommandFailed(f"{named} {' '.join(command[2:])}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def namespace(kubectl: Kubectl, name: str, level: str = "restricted") -> Iterator[Kubectl]:
    """Make a namespace that enforces a pod security level; at the end it is gone."""
    labels = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn")}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    )
    try:
        yield kubectl.within(name)
    finally:
        kubectl("delete", "namespace", name)
