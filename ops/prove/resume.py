"""Takes up a matrix where it was cut off: its report is the record of the cells played so far."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ops.prove.findings import Report, Verdict
from ops.prove.made_with import versions

_REPORT = TypeAdapter(Report)


class CannotResume(Exception):
    """There is nothing in the folder to go on with; the message says what to do."""


def earlier(folder: Path) -> Report:
    """Return the report of the matrix in this folder, with the cells that need no other try.

    One that failed is kept: what was found once is found.

    Raises:
        CannotResume: there is none, or it was made with something else than what is here.
    """
    file = folder / "report.json"
    try:
        report = _REPORT.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise CannotResume(f"{file} is no report of a matrix: begin one without --resume") from (
            error
        )
    if report.profile != "matrix":
        raise CannotResume(f"{file} is of profile {report.profile}: only a matrix can be resumed")
    if changed := _changed(report.versions, versions()):
        raise CannotResume(
            f"{file} was made with {changed}: the cells of one matrix have to be of one make"
        )
    judged = [cell for cell in report.cells if cell.verdict is not Verdict.VOID]
    return replace(report, cells=judged)


def _changed(then: Mapping[str, str], now: Mapping[str, str]) -> str:
    return ", ".join(
        f"{name} {version}, here {now.get(name, 'none')}"
        for name, version in then.items()
        if now.get(name) != version
    )
