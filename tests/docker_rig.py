"""Docker as an operator has it: the images, and the compose file, on whatever `docker` reaches.

All of it gets names and ports of its own and goes again: somebody may use a geophone here.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.kafka.jars import VERSION as KAFKA
from ops.ports import free_ports
from tests import apache_kafka
from tests.image_rig import BASE, ROOT, VERSION, images, output, quietly, secrets

COMPOSE_FILE = "deploy/compose.yaml"
SECRET = "0123456789abcdef"
_NEEDED = (("version",), ("buildx", "version"), ("compose", "version"))
_PULL_SECONDS = 600


def impossible(*needed: str) -> str | None:
    """Return what Docker cannot do here and the command that shows it, or None."""
    for command in (needed,) if needed else _NEEDED:
        if failure := _failure("docker", *command):
            return f"`docker {' '.join(command)}` says: {failure}"
    return None


def _failure(*command: str, seconds: int = 60) -> str | None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return said[0] if done.returncode else None


@dataclass(frozen=True)
class Docker:
    """Builds on `base`; `folder` and everything that is called `name`… are its own."""

    folder: Path
    name: str
    base: str
    kafka: str

    def build(self, target: str) -> None:
        """Build as the Dockerfile's head says."""
        output(
            *("docker", "build", "-f", str(ROOT / "deploy" / "Dockerfile"), "--target", target),
            *("--build-arg", f"BASE={self.base}", "-t", self.image(target)),
            *(f"--secret=id={name},src={file}" for name, file in secrets(self.folder).items()),
            str(ROOT),
            DOCKER_BUILDKIT="1",
        )

    def image(self, target: str) -> str:
        return f"{self.name}-{target}:{VERSION}"

    @contextmanager
    def installation(self) -> Iterator["Installation"]:
        """Give the compose file, not up yet; afterwards nothing of it is left."""
        model = self._composed()
        ports = dict(zip(_published(model), free_ports(len(_published(model))), strict=True))
        file = self.folder / "compose.json"
        file.write_text(json.dumps(_moved(model, ports)))
        there = Installation(file, ports)
        try:
            yield there
        finally:
            there.compose("down", "--volumes", "--remove-orphans")

    def _composed(self) -> dict[str, Any]:
        """Read the file as compose does, and change what must not meet what others have here."""
        model: dict[str, Any] = json.loads(
            output(
                *("docker", "compose", "-p", self.name, "-f", str(ROOT / COMPOSE_FILE)),
                *("--profile", "*", "config", "--format", "json"),
                GEOPHONE_SECRETS=SECRET,
            )
        )
        mounted = secrets(self.folder)
        model["secrets"] = {name: {"file": str(file)} for name, file in mounted.items()}
        for service in model["services"].values():
            build = service.get("build")
            service["image"] = self.image(build["target"]) if build else self.kafka
            if build:
                build["args"] = {"BASE": self.base}
                build["secrets"] = [{"source": name} for name in mounted]
        return model


def _published(model: dict[str, Any]) -> list[str]:
    services = model["services"].values()
    return [port["published"] for service in services for port in service.get("ports", [])]


def _moved(model: dict[str, Any], ports: dict[str, int]) -> dict[str, Any]:
    for service in model["services"].values():
        for port in service.get("ports", []):
            port["published"] = str(ports[port["published"]])
    kafka = model["services"]["kafka"]["environment"]
    for old, new in ports.items():
        told = kafka["KAFKA_ADVERTISED_LISTENERS"]
        kafka["KAFKA_ADVERTISED_LISTENERS"] = told.replace(f"localhost:{old}", f"localhost:{new}")
    return model


@dataclass(frozen=True)
class Installation:
    """One compose project; `ports` are by those that deploy/compose.yaml publishes."""

    file: Path
    ports: dict[str, int]

    def say(self, line: str) -> str:
        """Do what a document says, with our file in place of theirs."""
        return output("sh", "-c", line.replace(f"-f {COMPOSE_FILE}", f"-f {self.file}"))

    def compose(self, *command: str) -> str:
        return output("docker", "compose", "-f", str(self.file), *command)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what Docker knows of each service's container."""
        numbers = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(output("docker", "inspect", *numbers))
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    def host(self, port: int) -> str:
        return f"localhost:{self.ports[str(port)]}"


@contextmanager
def docker(folder: Path, base: str, kafka: str) -> Iterator[Docker]:
    """Give a Docker that builds on these images, which have to be there."""
    it = Docker(folder, f"geophone-test-{os.getpid()}", base, kafka)
    try:
        yield it
    finally:
        ours = output("docker", "image", "ls", "--quiet", f"--filter=reference={it.name}-*")
        quietly("docker", "image", "rm", "--force", *ours.split())


def pull(*names: str) -> str | None:
    """Have these images here; return why that cannot be, or None."""
    for name in names:
        if _failure("docker", "image", "inspect", name) and (
            failure := _failure("docker", "pull", name, seconds=_PULL_SECONDS)
        ):
            return f"`docker pull {name}` says: {failure}"
    return None


@contextmanager
def stand_ins(folder: Path) -> Iterator[tuple[str, str]]:
    """Give the names of a base and a Kafka that come from Debian, PyPI and Maven Central."""
    names = BASE, f"localhost/apache-kafka-stand-in:{KAFKA}"
    with images(folder) as store:
        # Not under its real name: the real image may be here, and somebody's who uses it.
        apache_kafka.build(store, names[1])
        for number, name in enumerate(names):
            archive = folder / f"{number}.tar"
            store.archive(name, archive, name)
            output("docker", "load", "--quiet", "--input", str(archive))
    try:
        yield names
    finally:
        quietly("docker", "image", "rm", *names)
