"""YAML with the traps taken out, and the line of everything in it.

YAML 1.1 reads NO as false (Norway has holidays, too), 010 as eight and 1:30 as ninety, and PyYAML
keeps the last of two equal keys. Here, as in editors, a plain word means what it does in the core
schema of YAML 1.2 (yaml.org/spec/1.2.2, section 10.3.2): true and false are the only booleans, and
a date is a text. Keys are texts, and one that comes twice is an error.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from yaml import MappingNode, Node, SafeLoader, ScalarNode, SequenceNode
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.error import MarkedYAMLError, YAMLError


class Unreadable(ValueError):
    """It is no YAML; the message names the line."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where."""

    value: Any
    root: Node | None

    def line(self, path: Sequence[int | str]) -> int:
        """Return the line (from 1) of the innermost thing on `path` that is in the file."""
        node, line = self.root, 1
        for step in path:
            entry = _entry(node, step)
            if entry is None:
                break
            line, node = entry
        return line


def read(text: str) -> Document:
    """Read one document.

    Raises:
        Unreadable: no YAML, several documents, or a key twice.
    """
    try:
        return _read(_Loader(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"line {mark.line + 1}: " if mark else ""
        raise Unreadable(f"{line}{error.problem or error.context}") from error
    except YAMLError as error:
        raise Unreadable(f"no YAML: {error}") from error


def _read(loader: "_Loader") -> Document:
    root = loader.get_single_node()
    return Document(loader.construct_document(root) if root else None, root)


class _Loader(SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> MappingNode:
        # Here, because construction adds what `<<` merges in, which own keys may override.
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if (name := self._key(key)) in seen:
                raise ComposerError(problem=f"{name} is here twice", problem_mark=key.start_mark)
            seen.add(name)
        return node

    def compose_scalar_node(self, anchor: Any) -> ScalarNode:
        node = super().compose_scalar_node(anchor)
        try:
            # In JSON an emoji may be written as two escapes; PyYAML keeps them two.
            node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            problem = "an escape such as \\ud83d is half a character, its other half is missing"
            raise ComposerError(problem=problem, problem_mark=node.start_mark) from error
        return node

    def construct_object(self, node: Node, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 - the library's
        try:
            return super().construct_object(node, deep)
        except ValueError as error:
            raise ConstructorError(problem=str(error), problem_mark=node.start_mark) from error

    def construct_mapping(self, node: Node, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's
        if not isinstance(node, MappingNode):
            raise ConstructorError(problem="there are no members", problem_mark=node.start_mark)
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep) for key, value in node.value}

    @staticmethod
    def _key(node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise ComposerError(problem="a key must be a text", problem_mark=node.start_mark)
        return str(node.value)


_TAG = "tag:yaml.org,2002:"
_PLAIN = {
    "bool": ("true|True|TRUE|false|False|FALSE", "tTfF"),
    "int": ("[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
}
"""What is no text though it has no quotes, and what it may begin with; null is PyYAML's."""


def _scalar(tag: str, node: Node, loader: _Loader) -> str:
    """Return what a value of this type, named or not, is made of."""
    text = loader.construct_scalar(node)  # type: ignore[arg-type] # and refuses what is no scalar
    if not re.fullmatch(_PLAIN[tag][0], str(text)):
        raise ValueError(f"this is no {tag}")
    return str(text).lower()


def _boolean(loader: _Loader, node: Node) -> bool:
    return _scalar("bool", node, loader) == "true"


def _integer(loader: _Loader, node: Node) -> int:
    text = _scalar("int", node, loader)
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


def _number(loader: _Loader, node: Node) -> float:
    """A whole one is an integer, as it is to JSON Schema."""
    number = float(re.sub(r"\.(?=[in])", "", _scalar("float", node, loader)))
    return int(number) if number.is_integer() else number


def _readers() -> Iterator[tuple[str | None, Any]]:
    """What reads each type of the core schema, and no other types."""
    own = {"bool": _boolean, "int": _integer, "float": _number}
    for name in ("null", "str", "seq", "map"):
        yield _TAG + name, SafeLoader.yaml_constructors[_TAG + name]
    for name, reader in own.items():
        yield _TAG + name, reader
    yield None, SafeLoader.yaml_constructors[None]  # refuses all the others


_KEPT = {_TAG + "null", _TAG + "merge"}
_Loader.yaml_constructors = dict(_readers())
_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] in _KEPT]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
for _name, (_pattern, _first) in _PLAIN.items():
    _Loader.add_implicit_resolver(_TAG + _name, re.compile(f"^(?:{_pattern})$"), list(_first))


def _entry(node: Node | None, step: int | str) -> tuple[int, Node] | None:
    """Return the line and the value of one member."""
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if key.value == step:
                return key.start_mark.line + 1, value
    return None
