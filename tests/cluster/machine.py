"""What this machine has to bring for a cluster, and what of an earlier one has to go.

`python -m tests.cluster.machine` installs Debian's part, where it can.
"""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests import image_rig
from tests.cluster import tools

PACKAGES = (
    "buildah",
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "iptables",
    "mmdebstrap",
    "nftables",
    "runc",
)
COMMANDS = ("conntrack", "containerd", "ctr", "ip", "iptables", "nft", "runc", "sysctl")
CNI_PLUGINS = Path("/usr/lib/cni")
CGROUPS = Path("/sys/fs/cgroup")
PREFIX = "geophone-test"
"""In the name of each cgroup and network device of ours."""
TABLE = "kube-proxy"
"""Of nftables, in two families."""
NETWORKS = ("10.96.", "10.97.")
"""What this machine is called by pods, for as long as there is a cluster."""


def impossible() -> str | None:
    """Return why there can be no cluster here, or None."""
    if reason := image_rig.impossible() or _lacking():
        return reason
    if foreign := _others(tools.folder()):
        return f"this machine is part of a Kubernetes already: {', '.join(sorted(foreign))} runs"
    if unbuilt := tools.missing():
        return f"not built yet: {', '.join(unbuilt)} (make cluster-test builds them)"
    return None


def _lacking() -> str | None:
    if absent := [each for each in COMMANDS if not shutil.which(each)]:
        return f"not installed: {', '.join(absent)}"
    if not (CNI_PLUGINS / "bridge").exists():
        return f"no CNI plug-ins in {CNI_PLUGINS}"
    if not (CGROUPS / "memory").is_dir() and not (CGROUPS / "cgroup.controllers").exists():
        return f"no cgroups in {CGROUPS}"
    return None


def clear(state: Path) -> None:
    """End and remove whatever a cluster in `state` has left on the machine."""
    for pid in {*_processes(state), *_contained()}:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    image_rig.unmount(state)
    for address in _addresses():
        image_rig.quietly("ip", "addr", "del", address, "dev", "lo")
    for device in Path("/sys/class/net").glob(f"{PREFIX}*"):
        image_rig.quietly("ip", "link", "del", device.name)
    for rule in _masquerades():
        *_, chain = rule
        for what in (["--delete", *rule[1:]], ["--flush", chain], ["--delete-chain", chain]):
            image_rig.quietly("iptables", "--table", "nat", *what)
    for family in ("ip", "ip6"):
        image_rig.quietly("nft", "delete", "table", family, TABLE)
    for group in sorted(CGROUPS.glob(f"**/{PREFIX}*/**/"), reverse=True):
        with suppress(OSError):
            group.rmdir()
    shutil.rmtree(state, ignore_errors=True)


def _others(ours: Path) -> set[str]:
    """Components of a cluster that is not ours: its Services and ours would take the same table."""
    found: set[str] = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            program, _, rest = file.read_bytes().decode(errors="replace").partition("\0")
            if Path(program).name in {"kubelet", TABLE} and str(ours) not in program + rest:
                found.add(Path(program).name)
    return found


def _masquerades() -> list[list[str]]:
    """Rules that pods' networks leave behind when nobody takes the pods down."""
    told = subprocess.run(
        ("iptables", "--table", "nat", "--list-rules", "POSTROUTING"),  # noqa: S607 - wherever it is
        check=False,
        capture_output=True,
        text=True,
    )
    return [shlex.split(each) for each in told.stdout.splitlines() if PREFIX in each]


def _processes(state: Path) -> Iterator[int]:
    """Every process that was told of `state`: daemons, and the shims of pods."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if int(file.parent.name) != os.getpid() and os.fsencode(state) in file.read_bytes():
                yield int(file.parent.name)


def _contained() -> Iterator[int]:
    for file in CGROUPS.glob(f"**/{PREFIX}*/**/cgroup.procs"):
        with suppress(OSError):
            yield from map(int, file.read_text().split())


def _addresses() -> list[str]:
    told = subprocess.run(
        ["ip", "-brief", "-4", "addr", "show", "dev", "lo"],  # noqa: S607 - wherever it is
        check=False,
        capture_output=True,
        text=True,
    )
    return [each for each in told.stdout.split() if each.startswith(NETWORKS)]


def install() -> None:
    """Install Debian's packages, if we may and something is missing."""
    if not _lacking() and all(shutil.which(each) for each in ("buildah", "mmdebstrap")):
        return
    if os.geteuid() or not shutil.which("apt-get"):
        sys.stderr.write("A cluster needs root, and apt to install containerd with.\n")
        return
    sys.stderr.write(f"installing {', '.join(PACKAGES)} …\n")
    for command in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        image_rig.output("apt-get", "-qq", *command)


if __name__ == "__main__":
    install()
