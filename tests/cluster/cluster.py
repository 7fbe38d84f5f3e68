"""A Kubernetes on this machine: a real API server, kubelets, pods; at the end all of it is gone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ops.kafka.hold import take
from ops.ports import free_ports
from tests import apache_kafka
from tests.cluster import machine
from tests.cluster.control_plane import PODS, ControlPlane
from tests.cluster.daemons import Daemons
from tests.cluster.kubectl import Kubectl
from tests.cluster.node import DNS, PAUSE, Node, addresses
from tests.cluster.tools import folder, program
from tests.image_rig import TARGETS, VERSION, images, name_of, output

NODES = 2
_READY_SECONDS = 60
_COREFILE = """
.:53 {{
  bind {address}
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig} c
  }}
  forward . /etc/resolv.conf
}}
"""
_STORAGE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {
        "name": "host",
        "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
    },
    "provisioner": "kubernetes.io/no-provisioner",
    "volumeBindingMode": "WaitForFirstConsumer",
}


@dataclass(frozen=True)
class Cluster:
    """What tests need of it."""

    kubectl: Kubectl
    nodes: tuple[str, ...]
    folder: Path

    def volumes(self, count: int) -> None:
        """Give the cluster so many more disks, folders of this machine that every node sees."""
        made = len(list(self.folder.glob("disk-*")))
        for number in range(made, made + count):
            disk = self.folder / f"disk-{number}"
            disk.mkdir()
            disk.chmod(0o777)
            self.kubectl.apply(_volume(disk))


@contextmanager
def running(say: Callable[[str], None]) -> Iterator[Cluster]:
    """Run a cluster with the images of this working tree; on every way out all of it is removed.

    Raises:
        RuntimeError: there is one already, or a part of it does not start.
    """
    folder().mkdir(parents=True, exist_ok=True)
    held = take(folder() / "lock")
    if held is None:
        raise RuntimeError("another run has a cluster on this machine: wait for it, or stop it")
    state = folder() / "run"
    with held:
        machine.clear(state)
        state.mkdir()
        daemons = Daemons(state)
        try:
            with _reachable():
                yield _start(state, daemons, say)
        finally:
            say("removing the cluster …")
            daemons.stop()
            machine.clear(state)


def _start(state: Path, daemons: Daemons, say: Callable[[str], None]) -> Cluster:
    say("building the images …")
    archives = _images(state)
    say("starting etcd, the API server and its controllers …")
    plane = ControlPlane(state, daemons)
    kubectl = plane.start()
    nodes = [Node(number, state / f"node-{number}", daemons) for number in range(1, NODES + 1)]
    for node in nodes:
        say(f"starting {node.name} …")
        node.start(plane.authority, plane.url, kubectl)
        for archive in archives:
            node.load(archive)
    _network(plane, daemons, nodes[0].name)
    kubectl.apply(_STORAGE)
    return Cluster(kubectl, tuple(node.name for node in nodes), state)


def _images(state: Path) -> list[Path]:
    """Build what pods run; return it as files for containerd."""
    called = {PAUSE: PAUSE, apache_kafka.NAME: apache_kafka.NAME}
    # As `docker build -t geophone-…` names them for a node that they are loaded onto.
    called |= {
        f"{name_of(each)}:{VERSION}": f"docker.io/library/geophone-{each}:{VERSION}"
        for each in TARGETS
    }
    archives = [state / f"image-{number}.tar" for number in range(len(called))]
    (state / "images").mkdir()
    with images(state / "images") as store:
        pause = Path(program("pause"))
        store.assemble(PAUSE, "scratch", {"/": pause}, "--entrypoint", '["/pause"]')
        apache_kafka.build(store)
        for target in TARGETS:
            store.build(target)
        for (name, on_nodes), archive in zip(called.items(), archives, strict=True):
            store.archive(name, archive, on_nodes)
    return archives


def _network(plane: ControlPlane, daemons: Daemons, node: str) -> None:
    login = plane.authority.kubeconfig("proxy", plane.url, "system:kube-proxy")
    health, metrics = (f"127.0.0.1:{port}" for port in free_ports(2))
    daemons.start(
        "kube-proxy",
        program("kube-proxy"),
        *(f"--kubeconfig={login}", "--proxy-mode=nftables", f"--hostname-override={node}"),
        f"--cluster-cidr={PODS}",
        *(f"--healthz-bind-address={health}", f"--metrics-bind-address={metrics}"),
        # Limits of the whole machine are none of a test's business.
        *("--conntrack-max-per-core=0", "--conntrack-tcp-timeout-established=0s"),
        *("--conntrack-tcp-timeout-close-wait=0s", "--oom-score-adj=0"),
    )
    daemons.until("kube-proxy", _routes, _READY_SECONDS)
    corefile = plane.folder / "Corefile"
    admin = plane.folder / "admin.kubeconfig"
    corefile.write_text(_COREFILE.format(address=DNS, kubeconfig=admin))
    daemons.start("coredns", program("coredns"), "-conf", str(corefile))
    log = plane.folder / "coredns.log"
    daemons.until("coredns", lambda: "CoreDNS-" in log.read_text(), _READY_SECONDS)


def _routes() -> bool:
    """Whether Services lead to pods; before, their addresses lead out of the machine."""
    return machine.TABLE in output("nft", "list", "tables")


@contextmanager
def _reachable() -> Iterator[None]:
    """Give this machine the addresses of a cluster, and let it pass packets on."""
    for address in addresses(NODES):
        output("ip", "addr", "add", f"{address}/32", "dev", "lo")
    forward = output("sysctl", "-n", "net.ipv4.ip_forward")
    policy = output("iptables", "-S", "FORWARD").splitlines()[0].split()[-1]
    output("sysctl", "-qw", "net.ipv4.ip_forward=1")
    output("iptables", "-P", "FORWARD", "ACCEPT")
    try:
        yield
    finally:
        output("iptables", "-P", "FORWARD", policy)
        output("sysctl", "-qw", f"net.ipv4.ip_forward={forward}")


def _volume(disk: Path) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": disk.name},
        "spec": {
            "capacity": {"storage": "4Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": "host",
            "hostPath": {"path": str(disk)},
        },
    }
