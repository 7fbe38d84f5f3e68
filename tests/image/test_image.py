"""The images, built for real on a stand-in for their base, and run as a cluster would run them.

Needs root, buildah and mmdebstrap; where they are missing the reason is shown.
"""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import sbom
from tests.image_rig import TARGETS, Images, contained, images, impossible

pytestmark = [pytest.mark.image, pytest.mark.timeout(1200)]

MIB = 1024 * 1024
OURS_MIB = {"ingress": 60, "streams": 130, "ops": 100}
"""The most that an image may add to its base."""
PATH = "/opt/geophone/bin:/usr/local/bin:/usr/bin:/bin"
SECRET = "0123456789abcdef"
TOOLS = ("cc", "gcc", "make", "pip", "pip3", "uv")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Images]:
    if reason := impossible():
        pytest.skip(reason)
    with images(tmp_path_factory.mktemp("images")) as store:
        for target in TARGETS:
            store.build(target)
        yield store


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(built: Images, target: str) -> Iterator[Path]:
    with built.mounted(target) as path:
        yield path


def run(root: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return contained(root, *command, PATH=PATH, PYTHONDONTWRITEBYTECODE="1", **environment)


def test_it_starts_as_nobody_with_nothing_to_write_to(
    built: Images, root: Path, target: str
) -> None:
    [program] = built.config(target)["Entrypoint"]
    helped = run(root, program, "--help")
    assert helped.returncode == 0, helped.stderr
    refused = run(root, "python3", "-c", "open('/opt/geophone/x', 'w')")
    assert "Read-only file system" in refused.stderr


def test_the_ingress_checks_its_settings(built: Images) -> None:
    with built.mounted("ingress") as root:
        well = run(root, "geophone-ingress", "--check", GEOPHONE_SECRETS=SECRET)
        ill = run(root, "geophone-ingress", "--check")
    assert well.returncode == 0, well.stderr
    assert ill.returncode == 78


def test_the_streams_check_their_settings_and_have_a_folder_for_marks(built: Images) -> None:
    where = "https://crm.example.com/tasks"
    with built.mounted("streams") as root:
        well = run(root, "geophone-streams", "--check", GEOPHONE_CRM_URL=where)
        assert (root / "var/lib/geophone").stat().st_uid == 65532
        assert list(root.glob("opt/geophone/lib/python3*/site-packages/faust/**/*.so"))
    assert well.returncode == 0, well.stderr
    assert "GEOPHONE_STATE_DIR=/var/lib/geophone" in built.config("streams")["Env"]


def test_the_canary_runs_and_says_what_it_lacks(built: Images) -> None:
    with built.mounted("ops") as root:
        told = run(root, "geophone", "prove", "--url", "http://127.0.0.1:1/webhook")
        crm = run(root, "python3", "-m", "ops.sandbox", "--help")
    assert told.returncode == 2
    assert "no secret to sign with" in told.stdout + told.stderr
    assert crm.returncode == 0, crm.stderr


def test_it_carries_its_bill_of_materials_and_that_is_what_is_installed(
    root: Path, target: str
) -> None:
    bill = (root / "opt/geophone/sbom.cdx.json").read_text(encoding="utf-8")
    assert json.loads(bill) == json.loads(sbom.bill(target))
    listed = {(each["name"], each["version"]) for each in json.loads(bill)["components"]}
    ask = (
        "from importlib.metadata import distributions as d; import json, re; "
        "print(json.dumps([[re.sub('[-_.]+', '-', x.name).lower(), x.version] for x in d()]))"
    )
    found = json.loads(run(root, "/opt/geophone/bin/python", "-c", ask).stdout)
    assert {tuple(each) for each in found} == listed | {("geophone", "0.1.0")}


def test_nothing_in_it_builds_or_installs(root: Path) -> None:
    shown = run(root, "sh", "-c", f"command -v {' '.join(TOOLS)}; python3 -m pip --version")
    assert not shown.stdout
    assert "No module named pip" in shown.stderr


def test_its_modules_are_compiled_once_and_for_all(root: Path) -> None:
    ours = root / "opt/geophone/lib"
    sources = list(ours.rglob("site-packages/schemas/**/*.py"))
    assert sources
    assert {each.stat().st_mtime for each in ours.rglob("*")} == {0}
    for source in sources:
        [compiled] = source.parent.glob(f"__pycache__/{source.stem}.cpython-*.pyc")
        assert compiled.read_bytes()[4:8] == b"\x01\0\0\0"  # by hash (PEP 552), never checked


def test_it_is_small(root: Path, target: str) -> None:
    files = [each.lstat() for each in (root / "opt/geophone").rglob("*")]
    assert sum(each.st_size for each in files) < OURS_MIB[target] * MIB


def test_its_configuration_is_what_kubernetes_wants(built: Images, target: str) -> None:
    config = built.config(target)
    assert config["User"] == "65532:65532"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Labels"]["org.opencontainers.image.title"] == f"geophone-{target}"
    assert not config.get("Cmd")


def test_on_arm64_faust_is_made_from_its_locked_source(built: Images) -> None:
    built.build("build-streams", "--build-arg", "TARGETARCH=arm64")
    with built.mounted("build-streams") as root:
        [faust] = root.glob("opt/geophone/lib/python3*/site-packages/faust")
        checked = run(root, "geophone-streams", "--check", GEOPHONE_CRM_URL="https://c.example.com")
    assert checked.returncode == 0, checked.stderr
    assert not list(faust.rglob("*.so"))


def test_built_again_it_is_the_same_to_the_bit(built: Images) -> None:
    largest = "streams"
    first = built.build(largest)
    assert built.build(largest, "--no-cache") == first
