"""Writes the bill of materials of each image, in CycloneDX 1.6: what its lock installs.

usage: python deploy/sbom.py FOLDER

Written anew it is the same bytes: nothing in it is random and nothing tells the time.
"""

import re
import sys
import tomllib
import uuid
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
PROCESSES = ("ingress", "streams", "ops")
IMAGE = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
_LINE = re.compile(r"^([\w.-]+==[^\\\n]+)", re.MULTILINE)


def bill(process: str) -> str:
    """Return the bill of one process as JSON text."""
    lock = (ROOT / "deploy" / "locks" / f"{process}.txt").read_text(encoding="utf-8")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "version"
    ]
    product = Component(
        name=f"geophone-{process}",
        version=version,
        type=ComponentType.APPLICATION,
        bom_ref=f"geophone-{process}",
    )
    parts = [_part(each) for each in map(Requirement, _LINE.findall(lock)) if _installed(each)]
    bom = Bom(components=parts, serial_number=uuid.uuid5(uuid.NAMESPACE_OID, product.name + lock))
    bom.metadata.component = product
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the standard lets it be left out
    bom.register_dependency(product, parts)
    return str(JsonV1Dot6(bom).output_as_string(indent=2)) + "\n"


def _installed(locked: Requirement) -> bool:
    """Whether the image has it: some of a lock is for other systems."""
    return locked.marker is None or locked.marker.evaluate(IMAGE)


def _part(locked: Requirement) -> Component:
    name, version = locked.name, str(locked.specifier).removeprefix("==")
    where = PackageURL("pypi", None, name, version)
    return Component(
        name=name, version=version, purl=where, type=ComponentType.LIBRARY, bom_ref=str(where)
    )


def main() -> None:
    """Write all bills."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for process in PROCESSES:
        (folder / f"{process}.cdx.json").write_text(bill(process), encoding="utf-8")


if __name__ == "__main__":
    main()
