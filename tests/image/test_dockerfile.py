"""What the Dockerfile promises, as far as reading it can tell."""

import json
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from deploy import sbom
from ingress.settings import Settings as IngressSettings
from streams.settings import Settings as StreamsSettings
from tests.image.dockerfile import inherited, stages
from tests.image_rig import TARGETS, VERSION, output

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BUILT = stages()


def test_every_image_has_a_stage_a_lock_and_a_bill() -> None:
    assert list(BUILT)[-len(TARGETS) :] == list(reversed(TARGETS))
    assert set(TARGETS) == set(sbom.PROCESSES)
    for target in TARGETS:
        assert BUILT[f"build-{target}"].all("RUN")[0].endswith(f"deploy/assemble {target}")
        assert (DEPLOY / "locks" / f"{target}.txt").exists()


def test_the_one_base_is_chosen_by_arguments_and_can_be_a_digest() -> None:
    outside = {stage.parent for stage in BUILT.values()} - set(BUILT)
    assert outside == {"${BASE}${BASE_DIGEST:+@}${BASE_DIGEST}"}


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_runs_our_command_as_nobody_without_a_shell(target: str) -> None:
    [command] = BUILT[target].all("ENTRYPOINT")
    [program] = json.loads(command)
    assert program in PROJECT["scripts"]
    assert inherited(target, "USER")[-1] == "65532:65532"
    assert inherited(target, "STOPSIGNAL") == ["SIGTERM"]
    assert not inherited(target, "CMD")


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_says_what_it_is(target: str) -> None:
    labels = " ".join(inherited(target, "LABEL"))
    named = set(re.findall(r"org\.opencontainers\.image\.([\w.]+)=", labels))
    assert {"title", "description", "licenses", "version", "revision", "base.name"} <= named
    assert f"title=geophone-{target} " in labels
    assert f"licenses={PROJECT['license']} " in labels


def test_the_version_is_the_projects() -> None:
    assert f"VERSION={PROJECT['version']}" in BUILT["runtime"].all("ARG")
    assert PROJECT["version"] == VERSION


@pytest.mark.parametrize(
    ("target", "settings"), [("ingress", IngressSettings), ("streams", StreamsSettings)]
)
def test_ports_and_variables_are_those_of_the_settings(
    target: str, settings: type[IngressSettings | StreamsSettings]
) -> None:
    fields = settings.model_fields
    ports = {str(each.default) for name, each in fields.items() if name.endswith("port")}
    assert set(BUILT[target].all("EXPOSE")[0].split()) == ports
    for line in inherited(target, "ENV"):
        for name in re.findall(r"GEOPHONE_(\w+)=", line):
            assert name.lower() in fields


def test_whatever_is_installed_is_locked_or_ours() -> None:
    text = (DEPLOY / "Dockerfile").read_text() + (DEPLOY / "assemble").read_text()
    installs = re.findall(r"^(?!install\(\)).*\binstall (?:-\S+ )+.*$", text, re.MULTILINE)
    packages = [line for line in installs if "-d " not in line]
    assert len(packages) == 3
    for line in packages:
        assert "--require-hashes --only-binary :all:" in line or "--no-deps --no-index" in line


def test_only_what_is_listed_reaches_the_build_and_all_of_it_is_there() -> None:
    first, *others = [
        line
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert first == "*"
    let_in = [line[1:] for line in others if line.startswith("!")]
    for pattern in let_in:
        assert list(ROOT.glob(pattern)), pattern
    copied = output("git", "-C", str(ROOT), "ls-files", *let_in).splitlines()
    assert not [each for each in copied if each.endswith((".env", ".pyc"))]


def test_the_wheel_that_is_built_in_it_finds_all_it_needs() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()}
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    needed = chain(wheel["targets"]["wheel"]["packages"], ["README.md", "LICENSE"])
    assert {*needed, "pyproject.toml"} <= let_in
