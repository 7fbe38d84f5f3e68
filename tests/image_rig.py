"""Builds the images for real, without a registry: on a stand-in for their base."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pip

from ops.kafka.jars import cache_dir

ROOT = Path(__file__).parents[1]
TARGETS = ("ingress", "streams", "ops")
VERSION = "0.1.0"
BASE = "localhost/python-stand-in:bookworm"
UID = "65532"
_BUILD_SECONDS = 540
_CA = Path(os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"))
_PIP_CONF = "[global]\ncert = /run/secrets/ca\n"


def impossible() -> str | None:
    """Return why images cannot be built here, or None."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "building an image and running it as another user needs root on Linux"
    missing = [each for each in ("buildah", "mmdebstrap", "unshare") if not shutil.which(each)]
    return f"not installed: {', '.join(missing)}" if missing else None


@dataclass(frozen=True)
class Images:
    """A store of images of its own in `folder`, which nothing else on the machine sees."""

    folder: Path

    def build(self, target: str, *options: str) -> str:
        """Build a target of the Dockerfile as localhost/geophone-TARGET; return the image's id."""
        return self._buildah(
            "bud",
            "--quiet",
            "--pull-never",
            *("--layers", "--format=oci", "--timestamp=0"),
            *("--build-arg", f"BASE={BASE}", "--build-arg", "BASE_DIGEST="),
            *(f"--secret=id={name},src={file}" for name, file in secrets(self.folder).items()),
            *("--file", str(ROOT / "deploy" / "Dockerfile"), "--target", target),
            *("--tag", f"{name_of(target)}:{VERSION}"),
            *options,
            str(ROOT),
        )

    def config(self, target: str) -> dict[str, Any]:
        told = self._buildah("inspect", "--type=image", f"{name_of(target)}:{VERSION}")
        found: dict[str, Any] = json.loads(told)["OCIv1"]["config"]
        return found

    def archive(self, name: str, file: Path, called: str) -> None:
        """Write an image to a file that containerd imports, under the name that it is called by."""
        self._buildah("push", "--quiet", name, f"docker-archive:{file}:{called}")

    @contextmanager
    def mounted(self, target: str) -> Iterator[Path]:
        """Give the root file system of an image's container."""
        container = self._buildah("from", "--pull-never", f"{name_of(target)}:{VERSION}")
        try:
            yield Path(self._buildah("mount", container))
        finally:
            self._buildah("umount", container)
            self._buildah("rm", container)

    def assemble(
        self,
        name: str,
        base: str,
        files: Mapping[str, Path],
        *config: str,
        prepared_by: str = "",
    ) -> None:
        """Make an image of files by their places, after a script that runs in it as root."""
        container = self._buildah("from", "--pull-never", base)
        for place, file in files.items():
            self._buildah("copy", "--quiet", container, str(file), place)
        if prepared_by:
            self._buildah("run", container, "--", "sh", "-ec", prepared_by)
        self._buildah("config", *config, container)
        self._buildah("commit", "--quiet", "--rm", container, name)

    def base_from(self, tar: Path) -> None:
        container = self._buildah("from", "scratch")
        self._buildah("add", "--quiet", container, str(tar), "/")
        self._buildah("commit", "--quiet", "--rm", "--timestamp=0", container, BASE)

    def clear(self) -> None:
        self._buildah("rm", "--all")
        self._buildah("rmi", "--all", "--force")
        unmount(self.folder)

    def _buildah(self, *arguments: str) -> str:
        store = ("--root", str(self.folder / "store"), "--runroot", str(self.folder / "run"))
        return output("buildah", *store, *arguments, BUILDAH_ISOLATION="chroot")


@contextmanager
def images(folder: Path) -> Iterator[Images]:
    """Give a store that has the base, and nothing when done."""
    store = Images(folder)
    try:
        store.base_from(stand_in())
        yield store
    finally:
        store.clear()


def stand_in() -> Path:
    """Return the root file system of Debian's Python and a pip, as tar; made once, then kept."""
    tar = cache_dir(os.environ, sys.platform) / "image" / f"bookworm-pip-{pip.__version__}.tar"
    if not tar.exists():
        tar.parent.mkdir(parents=True, exist_ok=True)
        unfinished = tar.with_suffix(f".{os.getpid()}.tar")
        output("mmdebstrap", *_STAND_IN, "bookworm", str(unfinished))
        unfinished.rename(tar)
    return tar


_PIP = (
    f"{sys.executable} -m pip install --quiet --no-compile "
    f'--target "$1/usr/local/lib/python3.11/dist-packages" pip=={pip.__version__}'
)
_STAND_IN = (
    "--variant=minbase",
    "--include=python3,ca-certificates",
    *(f"--dpkgopt=path-exclude=/usr/share/{each}/*" for each in ("doc", "locale", "man")),
    f"--customize-hook={_PIP}",
    '--customize-hook=rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*',
)


def secrets(folder: Path) -> dict[str, Path]:
    """Return the Dockerfile's secrets by id, for pip to trust whom this machine trusts."""
    if not _CA.exists():
        return {}
    (folder / "pip.conf").write_text(_PIP_CONF)
    return {"pip": folder / "pip.conf", "ca": _CA}


def name_of(target: str) -> str:
    return f"localhost/geophone-{target}"


def contained(root: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as Kubernetes' `restricted` would: not root, no powers, nothing to write to."""
    prepared = (
        f"mount --bind {root} {root} && mount -o remount,ro,bind {root} && "
        f'cd {root} && mount -t tmpfs tmpfs tmp && exec chroot . "$@"'
    )
    as_nobody = (
        *("setpriv", "--reuid", UID, "--regid", UID, "--clear-groups"),
        *("--bounding-set=-all", "--no-new-privs"),
    )
    told = ("env", "-i", *(f"{name}={value}" for name, value in environment.items()))
    apart = ("unshare", "--mount", "--pid", "--ipc", "--fork", "sh", "-c", prepared, "sh")
    return subprocess.run(
        [*apart, *as_nobody, *told, *command],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )


def unmount(folder: Path) -> None:
    """Take off the machine what is mounted below a folder: buildah leaves some of its mounts."""
    for _ in range(3):  # mounts lie upon mounts
        lines = Path("/proc/mounts").read_text(encoding="utf-8").splitlines()
        mounts = {line.split()[1] for line in lines}
        for mount in sorted(
            (each for each in mounts if each.startswith(f"{folder}/")), reverse=True
        ):
            quietly("umount", "--lazy", mount)


def quietly(*command: str) -> None:
    """Run what may fail because there is nothing left to do."""
    subprocess.run(command, check=False, capture_output=True)


def output(*command: str, **environment: str) -> str:
    """Return what a command prints; if it fails, raise with the end of what it said."""
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=_BUILD_SECONDS,
        env={**os.environ, **environment},
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise RuntimeError(f"{' '.join(command[:6])} … ended with {done.returncode}:\n{said}")
    return done.stdout.strip()
