"""docs/openapi.yaml says what the ingress does: schemathesis makes requests of it, and compares."""

import asyncio
import os
import sys
from pathlib import Path

from tests.ingress_rig import FakeSink, served

DOCUMENT = Path(__file__).parents[2] / "docs" / "openapi.yaml"
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "body_of_a_documented_type",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
"""Not whether it turns away what the document does not describe: signed, that is stored."""


async def test_every_answer_is_one_of_the_document(tmp_path: Path) -> None:
    sink = FakeSink()
    async with served(sink) as app:
        code, said = await schemathesis(app.port, tmp_path)
    assert code == 0, said
    assert "coverage" in said.lower()
    assert len(sink.stored) > 100
    assert {each.topic for each in sink.stored} == {
        "seismic.raw",
        "seismic.quarantine",
        "seismic.lifecycle",
    }


async def test_an_answer_that_is_not_in_the_document_is_found(tmp_path: Path) -> None:
    document = tmp_path / "openapi.yaml"
    document.write_text(DOCUMENT.read_text().replace('"401": {', '"402": {'))
    async with served(FakeSink()) as app:
        code, said = await schemathesis(app.port, tmp_path, document)
    assert code == 1
    assert "401" in said


async def schemathesis(port: int, folder: Path, document: Path = DOCUMENT) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", str(document), "--url", f"http://127.0.0.1:{port}"),
        *("--checks", ",".join(CHECKS), "--max-response-time", "3"),
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "100", "--no-color"),
        *("--seed", "1"),
        cwd=folder,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.openapi_hooks",
            "PYTHONPATH": str(Path(__file__).parents[2]),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
