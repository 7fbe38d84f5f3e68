"""What the tests of the images share: a Docker to build and run them with."""

from collections.abc import Iterator

import pytest
import yaml

from tests import docker_rig, image_rig
from tests.docker_rig import Docker
from tests.image.dockerfile import DOCKERFILE, argument


@pytest.fixture(scope="session")
def bases(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """Give the names of the base and of the Kafka that --images chose, both of them here."""
    if reason := docker_rig.impossible():
        pytest.skip(reason)
    if request.config.getoption("--images") == "stand-in":
        if reason := image_rig.impossible():
            pytest.skip(f"--images=stand-in: {reason}")
        with docker_rig.stand_ins(tmp_path_factory.mktemp("stand-ins")) as names:
            yield names
        return
    compose = yaml.safe_load((DOCKERFILE.parent / "compose.yaml").read_text(encoding="utf-8"))
    names = argument("BASE"), compose["services"]["kafka"]["image"]
    if reason := docker_rig.pull(*names):
        pytest.skip(f"{reason} (--images=stand-in does without a registry)")
    yield names


@pytest.fixture(scope="session")
def docker(bases: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    with docker_rig.docker(tmp_path_factory.mktemp("docker"), *bases) as it:
        yield it
