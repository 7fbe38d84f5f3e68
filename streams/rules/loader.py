"""A rules file, read and judged: each thing that is wrong with its line, and what is allowed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from streams.rules import document
from streams.rules.document import Document, Unreadable
from streams.rules.model import RulesFile

Step = int | str

_INSTEAD = {
    "extra_forbidden": "is unknown; there are: {members}",
    "missing": "is missing",
    "model_type": "must have members: {members}",
    "string_pattern_mismatch": "is not of the form allowed here",
}
"""What to say instead of pydantic's own words, by its type of error."""


class BadRules(ValueError):
    """The rules file cannot be used; the message names file, lines and what is allowed there."""


def load(path: Path) -> RulesFile:
    """Read the file.

    Raises:
        BadRules: it cannot be read, or something in it is wrong.
    """
    try:
        return parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRules(f"{path}: cannot be read: {error}") from error
    except BadRules as error:
        raise BadRules(f"{path}, {error}") from error


def parse(text: str) -> RulesFile:
    """Read the text of a file.

    Raises:
        BadRules: something in it is wrong; all that is wrong is told at once.
    """
    try:
        said = document.read(text)
    except Unreadable as error:
        raise BadRules(str(error)) from error
    try:
        return RulesFile.model_validate(said.value)
    except ValidationError as error:
        raise BadRules("; ".join(_complaints(error, said))) from error


def _complaints(error: ValidationError, said: Document) -> list[str]:
    """One for each thing that is wrong, in the order of their lines."""
    found = []
    for each in error.errors(include_input=False, include_url=False):
        path = [step for step in each["loc"] if step != "[key]"]
        found.append((said.line(path), f"{_shown(path)}{_what(each['type'], each['msg'], path)}"))
    return [f"line {line}: {what}" for line, what in sorted(found)]


def _shown(path: Sequence[Step]) -> str:
    """The path in dots; a person's address in it is left out, the line tells which it is."""
    steps = ["…" if "@" in str(step) else str(step) for step in path]
    return f"{'.'.join(steps)} " if steps else ""


def _what(kind: str, message: str, path: Sequence[Step]) -> str:
    model, field = _place(path)
    if kind in _INSTEAD:
        message = _INSTEAD[kind].format(members=", ".join(model.model_fields))
    else:
        message = f"is wrong: {message.removeprefix('Value error, ')}"
    return message if field is None else f"{message} ({' '.join(str(field.description).split())})"


def _place(path: Sequence[Step]) -> tuple[type[BaseModel], FieldInfo | None]:
    """Return the innermost model on the path, and the field at the path's end if it is known."""
    model: type[BaseModel] = RulesFile
    field = None
    for step in path:
        known = model.model_fields.get(str(step))
        field = known or (field if _holds_more(field) else None)
        model = _model_in(known.annotation, model) if known else model
    return model, field


def _holds_more(field: FieldInfo | None) -> bool:
    """Whether steps below it are keys or places in it, not members of a model."""
    return field is not None and _model_in(field.annotation, RulesFile) is RulesFile


def _model_in(annotation: Any, otherwise: type[BaseModel]) -> type[BaseModel]:
    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return otherwise
