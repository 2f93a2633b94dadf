"""Composed YAML nodes to our nodes: plain data, aliases expanded, merge keys applied, keys once."""

from typing import NoReturn

import yaml

from orchestrator.core.suggest import listed
from orchestrator.yamlio import scalars
from orchestrator.yamlio.document import Mark, Node, Path, path_text
from orchestrator.yamlio.problems import Problem, ProblemsError
from orchestrator.yamlio.syntax import QUOTE_TEMPLATE

_SCALAR_TAGS = frozenset({scalars.STR, scalars.NULL, scalars.BOOL, scalars.INT, scalars.FLOAT})
Pair = tuple[yaml.ScalarNode, yaml.Node]


class Builder:
    """Builds one document; every problem that lets reading go on is collected, the others end it at once."""

    def __init__(
        self, file: str, lines: list[str], plain_tag: str, *, depth_max: int, nodes_max: int
    ) -> None:
        self._file = file
        self._lines = lines
        self._plain_tag = plain_tag
        self._depth_max = depth_max
        self._nodes_max = nodes_max
        self._nodes = 0
        self._open: set[int] = set()
        self._problems: list[Problem] = []

    def build(self, node: yaml.Node | None) -> Node:
        """The root of our tree; an empty file is null. Raises ProblemsError."""
        root = self._node(node, (), None) if node is not None else Node((), None, Mark(1, 1))
        if self._problems:
            raise ProblemsError(self._problems)
        return root

    def _node(self, node: yaml.Node, path: Path, key_mark: Mark | None) -> Node:
        self._count(node, path)
        mark = _mark(node)
        if isinstance(node, yaml.ScalarNode):
            value = self._scalar(node, path)
            return Node(
                path=path,
                value=value,
                mark=mark,
                key_mark=key_mark,
                text=node.value,
                quoted=node.style in {"'", '"'},
            )
        if id(node) in self._open:
            self._stop(node, path, "an anchor refers to itself")
        if len(path) >= self._depth_max:
            self._stop(node, path, f"is nested more than {self._depth_max} levels deep")
        self._open.add(id(node))
        built = Node(path=path, value=None, mark=mark, key_mark=key_mark)
        if isinstance(node, yaml.SequenceNode):
            self._check_tag(node, path, scalars.SEQ)
            for index, item in enumerate(node.value):
                built.children[index] = self._node(item, (*path, index), None)
            built.value = [child.value for child in built.children.values()]
        elif isinstance(node, yaml.MappingNode):
            self._check_tag(node, path, scalars.MAP)
            for key, (key_node, item) in self._pairs(node, path).items():
                built.children[key] = self._node(item, (*path, key), _mark(key_node))
            built.value = {key: child.value for key, child in built.children.items()}
        self._open.discard(id(node))
        return built

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> scalars.Scalar:
        text = str(node.value)
        if node.tag == self._plain_tag:
            return scalars.plain(text)
        if node.tag not in _SCALAR_TAGS:
            self._add(
                node=node,
                path=path,
                message=f"the tag {_tag(node.tag)} is not known here",
                hint='quote text that starts with "!"',
            )
            return text
        try:
            return scalars.tagged(node.tag, text)
        except scalars.ScalarError as error:
            self._add(node, path, str(error))
            return text

    def _pairs(self, node: yaml.MappingNode, path: Path) -> dict[str, Pair]:
        """Key text to nodes: explicit keys in written order, then what merge keys add."""
        pairs: dict[str, Pair] = {}
        merged: list[Pair] = []
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._add(key, path, *self._odd_key(key))
            elif key.tag == self._plain_tag and key.value == "<<":
                merged += self._merge(value, path)
            elif key.value in pairs:
                first = pairs[key.value][0].start_mark.line + 1
                self._add(
                    node=key,
                    path=(*path, str(key.value)),
                    message=f"the key stands twice in one mapping, first on line {first}",
                    hint="remove one of the two",
                )
            else:
                pairs[str(key.value)] = (key, value)
        for key, value in merged:
            pairs.setdefault(str(key.value), (key, value))
        return pairs

    def _merge(self, value: yaml.Node, path: Path) -> list[Pair]:
        """Pairs that `<<` adds; of several mappings the first wins."""
        sources = value.value if isinstance(value, yaml.SequenceNode) else [value]
        pairs: list[Pair] = []
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._add(source, (*path, "<<"), "a merge key takes a mapping or a list of mappings")
                continue
            if id(source) in self._open or len(path) >= self._depth_max:
                self._stop(source, path, "an anchor refers to itself")
            self._open.add(id(source))
            found = self._pairs(source, path)
            self._open.discard(id(source))
            self._nodes += len(found)
            self._count(source, path)
            pairs += found.values()
        return pairs

    def _odd_key(self, key: yaml.Node) -> tuple[str, str]:
        line = self._lines[key.start_mark.line] if key.start_mark.line < len(self._lines) else ""
        if "{{" in line:
            return QUOTE_TEMPLATE, ""
        return "a key must be a single word or text", ""

    def _check_tag(self, node: yaml.Node, path: Path, expected: str) -> None:
        if node.tag != expected:
            allowed = listed(["none, or the standard one of its kind"])
            self._add(node, path, f"the tag {_tag(node.tag)} is not known here; allowed: {allowed}")

    def _count(self, node: yaml.Node, path: Path) -> None:
        self._nodes += 1
        if self._nodes > self._nodes_max:
            self._stop(
                node,
                path,
                f"the file holds more than {self._nodes_max} values once its aliases are expanded",
                hint="put rows into a CSV or JSONL file",
            )

    def _add(self, node: yaml.Node, path: Path, message: str, hint: str = "") -> None:
        mark = _mark(node)
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else None
        width = len(node.value) if isinstance(node, yaml.ScalarNode) else 1
        problem = Problem(
            file=self._file,
            line=mark.line,
            column=mark.column,
            path=path_text(path),
            message=message,
            hint=hint,
            source=line,
            width=width,
        )
        self._problems.append(problem)

    def _stop(self, node: yaml.Node, path: Path, message: str, hint: str = "") -> NoReturn:
        self._add(node=node, path=path, message=message, hint=hint)
        raise ProblemsError(self._problems)


def _mark(node: yaml.Node) -> Mark:
    return Mark(node.start_mark.line + 1, node.start_mark.column + 1)


def _tag(tag: str) -> str:
    standard = "tag:yaml.org,2002:"
    return f"!!{tag.removeprefix(standard)}" if tag.startswith(standard) else tag
