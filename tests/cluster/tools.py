"""The programs of a real Kubernetes, built from their Go modules once and then kept.

`python -m tests.cluster.tools` builds what is missing and says how far it is.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.jars import cache_dir

KUBERNETES = "1.34.4"
HELM = {"helm3": "3.21.3", "helm4": "4.2.3"}
COREDNS = "1.13.1"
COMPONENTS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubectl",
    "kubelet",
)
"""The names of the one binary that `kube/` is."""

HERE = Path(__file__).parent / "kube"
_MINOR = KUBERNETES.split(".")[1]
_BUILD_SECONDS = 3600


@dataclass(frozen=True)
class Tool:
    """One binary: a package of our module in `kube/`, or of a published one (MODULE@VERSION)."""

    name: str
    package: str
    minutes: int
    variables: Mapping[str, str]

    @property
    def key(self) -> str:
        """What it is built from: the version, or what our module's files hold."""
        sources = (self.package, *sorted(self.variables.items()))
        digest = hashlib.sha256(repr(sources).encode())
        if self.package.startswith("."):
            for file in sorted(HERE.rglob("*")):
                digest.update(file.read_bytes() if file.is_file() else b"")
        return digest.hexdigest()[:12]


def _kubernetes() -> dict[str, str]:
    told = {"gitVersion": f"v{KUBERNETES}", "gitMajor": "1", "gitMinor": _MINOR}
    where = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in where for name, value in told.items()}


_HELM3 = "helm.sh/helm/v3/pkg/chartutil.k8sVersion"
TOOLS = (
    Tool("pause", "./pause", 1, {}),
    Tool("kubernetes", ".", 5, _kubernetes()),
    Tool("coredns", f"github.com/coredns/coredns@v{COREDNS}", 3, {}),
    Tool("helm4", f"helm.sh/helm/v4/cmd/helm@v{HELM['helm4']}", 3, {}),
    Tool(
        "helm3",
        f"helm.sh/helm/v3/cmd/helm@v{HELM['helm3']}",
        2,
        # `go install` does not tell Helm 3 for which Kubernetes it renders; it would say 1.20.
        {f"{_HELM3}Major": "1", f"{_HELM3}Minor": _MINOR},
    ),
)


def folder() -> Path:
    return cache_dir(os.environ, sys.platform) / "cluster"


def program(name: str) -> str:
    """Return the path of a built program; a component of Kubernetes is one, too."""
    of = "kubernetes" if name in COMPONENTS else name
    [tool] = [each for each in TOOLS if each.name == of]
    return str(_home(tool) / name)


def missing() -> list[str]:
    return [tool.name for tool in TOOLS if not (_home(tool) / tool.name).exists()]


def build(say: Callable[[str], None]) -> None:
    """Build whatever is missing.

    Raises:
        RuntimeError: Go is missing, or a build failed.
    """
    wanted = [tool for tool in TOOLS if tool.name in missing()]
    if wanted and not shutil.which("go"):
        raise RuntimeError("needs Go (https://go.dev/dl) to build Kubernetes and Helm")
    for number, tool in enumerate(wanted, 1):
        say(f"{number} of {len(wanted)}: building {tool.name}, some {tool.minutes} min …")
        started = time.monotonic()
        _build(tool)
        say(f"  done in {time.monotonic() - started:.0f} s")


def _build(tool: Tool) -> None:
    unfinished = folder() / f"{tool.name}.{os.getpid()}"
    unfinished.mkdir(parents=True)
    try:
        _go(tool, unfinished)
        for name in COMPONENTS if tool.name == "kubernetes" else ():
            (unfinished / name).symlink_to("kubernetes")
        unfinished.rename(_home(tool))
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _go(tool: Tool, into: Path) -> None:
    flags = ["-s", "-w", *(f"-X {name}={value}" for name, value in tool.variables.items())]
    options = ["-trimpath", "-ldflags", " ".join(flags)]
    ours = tool.package.startswith(".")
    binary = into / tool.name
    command = ["build", *options, "-o", str(binary)] if ours else ["install", *options]
    _run(["go", *command, tool.package], {"CGO_ENABLED": "0", "GOBIN": str(into)})
    if not ours:
        [installed] = into.iterdir()
        installed.rename(binary)


def _run(command: Sequence[str], environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        cwd=HERE,
        env={**os.environ, **environment},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")


def _home(tool: Tool) -> Path:
    return folder() / f"{tool.name}-{tool.key}"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    build(_say)
