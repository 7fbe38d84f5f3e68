"""YAML with the traps taken out, and the line of everything in it.

YAML 1.1 reads NO as false (Norway has holidays, too) and PyYAML keeps the last of two equal keys.
Here, as in YAML 1.2 and in editors, true and false are the only booleans and a date is a text;
keys are texts, and one that comes twice is an error.
"""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from yaml import MappingNode, Node, SafeLoader, ScalarNode, SequenceNode
from yaml.composer import ComposerError
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

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's
        self.flatten_mapping(node)
        return {self._key(key): self.construct_object(value, deep) for key, value in node.value}

    @staticmethod
    def _key(node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise ComposerError(problem="a key must be a text", problem_mark=node.start_mark)
        return str(node.value)


_BOOLEAN, _DATE = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"
_Loader.yaml_implicit_resolvers = {
    first: [each for each in resolvers if each[0] not in {_BOOLEAN, _DATE}]
    for first, resolvers in SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOLEAN, re.compile("^(?:true|false)$"), list("tf"))


def _entry(node: Node | None, step: int | str) -> tuple[int, Node] | None:
    """Return the line and the value of one member."""
    if isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, MappingNode):
        for key, value in reversed(node.value):
            if key.value == step:
                return key.start_mark.line + 1, value
    return None
