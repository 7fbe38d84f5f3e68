"""YAML that an operator writes, read into a model; what is wrong is named by its place.

A file may hold secrets, so no message repeats anything of it but the names of its members.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


class BadFile(ValueError):
    """The file cannot be used; the message names it, the place in it, and how to mend it."""


class _Loader(yaml.SafeLoader):
    """Plain data, and nothing of it twice: YAML's own readers take the last and say nothing."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, keys))) < len(keys):
            problem = "a member is there twice"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read(file: Path, model: type[Model]) -> Model:
    """Return what the file says.

    Raises:
        BadFile: it cannot be read, is no YAML, or says something else than the model wants.
    """
    try:
        return model.model_validate(_parsed(file))
    except ValidationError as error:
        raise BadFile(f"{file}: {'; '.join(complaints(error))}") from error


def complaints(error: ValidationError) -> list[str]:
    """Return a sentence for each thing that is wrong, with its place and without its value."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    return [f"{_place(each['loc'])}{each['msg'].removeprefix('Value error, ')}" for each in found]


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) + ": " if location else ""


def _parsed(file: Path) -> Any:
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader
    except OSError as error:
        raise BadFile(f"{file}: cannot be read: {type(error).__name__}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "somewhere"
        raise BadFile(f"{file}: {where}: {_trouble(error)}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise BadFile(f"{file}: is no YAML text: {type(error).__name__}") from None


def _trouble(error: yaml.MarkedYAMLError) -> str:
    """Say what is wrong, without PyYAML's words, which quote the line."""
    if isinstance(error, yaml.constructor.ConstructorError) and error.problem:
        twice = "twice" in error.problem
        return "a member is there twice" if twice else "only plain data may be here"
    return "is no YAML; text with special characters has to be between quotes"
