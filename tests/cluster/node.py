"""A node: containerd, its network, and a kubelet. Several may run on one machine."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.control_plane import HOST
from tests.cluster.daemons import Daemons
from tests.cluster.kubectl import Kubectl
from tests.cluster.machine import CGROUPS, CNI_PLUGINS, PREFIX
from tests.cluster.pki import Authority
from tests.cluster.tools import program
from tests.image_rig import output

DNS = "10.96.0.10"
PAUSE = "localhost/pause:1"
_READY_SECONDS = 120
_CONTAINERD = """
version = 2
root = "{folder}/containerd"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # A container of ours may lack CAP_SYS_RESOURCE, without which nobody gets a lower score.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
"""


@dataclass
class Node:
    """The machine once more, under another name: node `number`, from 1."""

    number: int
    folder: Path
    daemons: Daemons

    @property
    def name(self) -> str:
        return f"node-{self.number}"

    @property
    def address(self) -> str:
        return address_of(self.number)

    def start(self, authority: Authority, url: str, kubectl: Kubectl) -> None:
        self.folder.mkdir()
        self._containerd()
        self._group()
        self._kubelet(authority, url)
        self.daemons.until(
            f"kubelet-{self.number}", lambda: kubectl.is_ready(self.name), _READY_SECONDS
        )

    def load(self, image: Path) -> None:
        self._ctr("images", "import", str(image))

    def _ctr(self, *arguments: str) -> None:
        socket = str(self.folder / "containerd.sock")
        output("ctr", "--address", socket, "--namespace", "k8s.io", *arguments)

    def _containerd(self) -> None:
        config = self.folder / "containerd.toml"
        config.write_text(_CONTAINERD.format(folder=self.folder, pause=PAUSE, plugins=CNI_PLUGINS))
        (self.folder / "cni").mkdir()
        (self.folder / "cni" / "pods.conflist").write_text(json.dumps(self._network()))
        name = f"containerd-{self.number}"
        self.daemons.start(name, "containerd", "--config", str(config))
        self.daemons.until(name, self._serves, _READY_SECONDS)

    def _serves(self) -> bool:
        socket = str(self.folder / "containerd.sock")
        asked = ["ctr", "--address", socket, "version"]
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0

    def _network(self) -> dict[str, object]:
        ranges = [[{"subnet": f"10.244.{self.number}.0/24"}]]
        bridge = {
            "type": "bridge",
            "bridge": f"{PREFIX}{self.number}",
            "isGateway": True,
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": ranges,
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": str(self.folder / "addresses"),
            },
        }
        return {"cniVersion": "0.4.0", "name": self._own, "plugins": [bridge]}

    def _group(self) -> None:
        """Give the node's pods a cgroup of their own: a kubelet ends what is not its own in it."""
        for root in _controllers():
            group = root / self._own
            group.mkdir(exist_ok=True)
            for file in ("cpuset.cpus", "cpuset.mems"):
                if (root / file).exists():
                    (group / file).write_text((root / file).read_text())

    @property
    def _own(self) -> str:
        return f"{PREFIX}-{self.number}"

    def _kubelet(self, authority: Authority, url: str) -> None:
        config = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": self.address,
            "healthzPort": 0,
            "containerRuntimeEndpoint": f"unix://{self.folder}/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self._own}",
            "failSwapOn": False,
            "oomScoreAdj": 0,
            "makeIPTablesUtilChains": False,
            "authentication": {"x509": {"clientCAFile": str(authority.file)}},
            "clusterDNS": [DNS],
            "clusterDomain": "cluster.local",
            "evictionHard": {"memory.available": "100Mi"},
            "podLogsDir": str(self.folder / "logs"),
            "syncFrequency": "5s",  # so soon a changed Secret is in the pods, and not in a minute
        }
        file = self.folder / "kubelet.json"
        file.write_text(json.dumps(config))
        user = f"system:node:{self.name}"
        login = authority.kubeconfig(f"kubelet-{self.number}", url, user, "system:nodes")
        self.daemons.start(
            f"kubelet-{self.number}",
            program("kubelet"),
            *(f"--config={file}", f"--kubeconfig={login}"),
            *(f"--root-dir={self.folder}/kubelet", f"--cert-dir={self.folder}/pki"),
            *(f"--hostname-override={self.name}", f"--node-ip={self.address}"),
        )


def addresses(nodes: int) -> list[str]:
    """Return what this machine has to be called for so many nodes."""
    return [HOST, DNS, *(address_of(number) for number in range(1, nodes + 1))]


def address_of(number: int) -> str:
    return f"10.97.0.{10 + number}"


def _controllers() -> list[Path]:
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [each for each in CGROUPS.iterdir() if each.is_dir() and (each / "tasks").exists()]
