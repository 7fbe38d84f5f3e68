"""etcd, the API server, the controllers and the scheduler."""

from dataclasses import dataclass
from pathlib import Path

from ops.ports import free_ports
from tests.cluster.daemons import Daemons
from tests.cluster.kubectl import Kubectl
from tests.cluster.pki import Authority
from tests.cluster.tools import program

HOST = "10.97.0.1"
"""Address of this machine as pods see it; one of its own, for it must be none of 127/8."""
SERVICES = "10.96.0.0/16"
PODS = "10.244.0.0/16"
_API_SERVICE = "10.96.0.1"
_READY_SECONDS = 120
_OFF = ("node-ipam-controller", "service-lb-controller", "node-route-controller")


@dataclass
class ControlPlane:
    """One of each, in `folder`."""

    folder: Path
    daemons: Daemons

    def __post_init__(self) -> None:
        self.authority = Authority(self.folder)
        self._client, self._peer, self._port = free_ports(3)
        self.url = f"https://{HOST}:{self._port}"

    def start(self) -> Kubectl:
        self._etcd()
        self._certificates()
        self._api_server()
        admin = self.authority.kubeconfig("admin", self.url, "admin", "system:masters")
        kubectl = Kubectl(admin)
        self.daemons.until("kube-apiserver", kubectl.answers, _READY_SECONDS)
        self._controllers()
        self._scheduler()
        self.daemons.until("kube-controller-manager", kubectl.has_accounts, _READY_SECONDS)
        return kubectl

    def _etcd(self) -> None:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._client, self._peer))
        self.daemons.start(
            "etcd",
            program("etcd"),
            f"--data-dir={self.folder / 'etcd'}",
            *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
            *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
            f"--initial-cluster=default={peer}",
            *("--unsafe-no-fsync", "--log-level=warn"),
        )

    def _certificates(self) -> None:
        names = ("localhost", "kubernetes", "kubernetes.default.svc")
        self.authority.server("apiserver", (*names, HOST, "127.0.0.1", _API_SERVICE))
        self.authority.client("kubelet-client", "kube-apiserver", "system:masters")
        self.authority.signing_key("accounts")

    def _api_server(self) -> None:
        self.daemons.start(
            "kube-apiserver",
            program("kube-apiserver"),
            f"--etcd-servers=http://127.0.0.1:{self._client}",
            f"--secure-port={self._port}",
            f"--advertise-address={HOST}",
            f"--cert-dir={self.folder}",
            *("--tls-cert-file=apiserver.crt", "--tls-private-key-file=apiserver.key"),
            "--client-ca-file=ca.crt",
            "--kubelet-client-certificate=kubelet-client.crt",
            "--kubelet-client-key=kubelet-client.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-account-key-file=accounts.pub",
            "--service-account-signing-key-file=accounts.key",
            f"--service-cluster-ip-range={SERVICES}",
            *("--authorization-mode=Node,RBAC", "--endpoint-reconciler-type=lease"),
        )

    def _controllers(self) -> None:
        user = "system:kube-controller-manager"
        file = self.authority.kubeconfig("controllers", self.url, user)
        self.daemons.start(
            "kube-controller-manager",
            program("kube-controller-manager"),
            f"--kubeconfig={file}",
            f"--controllers=*,{','.join(f'-{name}' for name in _OFF)}",
            *("--leader-elect=false", "--use-service-account-credentials"),
            *("--service-account-private-key-file=accounts.key", "--root-ca-file=ca.crt"),
            *("--bind-address=127.0.0.1", f"--secure-port={free_ports(1)[0]}"),
            f"--cert-dir={self.folder}",
        )

    def _scheduler(self) -> None:
        file = self.authority.kubeconfig("scheduler", self.url, "system:kube-scheduler")
        self.daemons.start(
            "kube-scheduler",
            program("kube-scheduler"),
            *(f"--kubeconfig={file}", "--leader-elect=false"),
            *("--bind-address=127.0.0.1", f"--secure-port={free_ports(1)[0]}"),
            f"--cert-dir={self.folder}",
        )
