"""Text to Document, by the C parser of PyYAML, strictly.

Caps on bytes, depth and the number of nodes after alias expansion bound what a file can cost; keys are text,
written once; tags other than the standard scalar ones are refused. Whatever is wrong with the text becomes a
ProblemsError.
"""

import hashlib
from pathlib import Path as FilePath
from typing import Final

import yaml

from orchestrator.core.suggest import listed
from orchestrator.yamlio import scalars
from orchestrator.yamlio.builder import Builder
from orchestrator.yamlio.document import Document
from orchestrator.yamlio.problems import Problem, ProblemsError
from orchestrator.yamlio.syntax import explain

BYTES_MAX: Final = 5_000_000
DEPTH_MAX: Final = 50
NODES_MAX: Final = 200_000


class StrictLoader(yaml.CSafeLoader):
    """The C safe loader without implicit types: every plain scalar is text until `scalars.plain` reads it."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, object]]] = {}  # noqa: RUF012 - PyYAML's own shape
    PLAIN: Final = "plain"

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: object) -> str:
        """The tag of a node without an explicit one; plain scalars get one of their own."""
        del value
        if kind is yaml.ScalarNode:
            return self.PLAIN if isinstance(implicit, tuple) and implicit[0] else scalars.STR
        return scalars.SEQ if kind is yaml.SequenceNode else scalars.MAP


def load(path: FilePath) -> Document:
    """Read a file; raises ProblemsError when it cannot be read or is not the YAML we accept."""
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise ProblemsError(
            [Problem(file=file, line=0, column=0, path="", message=_unreadable(error), hint=_inside(path))]
        ) from None
    return loads(raw, file)


def loads(raw: bytes, file: str) -> Document:
    """Read the bytes of a file called `file`; raises ProblemsError."""
    if len(raw) > BYTES_MAX:
        message = f"is larger than {BYTES_MAX // 1_000_000} MB; put rows into a CSV or JSONL file"
        raise ProblemsError([Problem(file=file, line=0, column=0, path="", message=message)])
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        column = error.start - (raw[: error.start].rfind(b"\n") + 1) + 1
        message = "is not UTF-8 text; save the file as UTF-8"
        raise ProblemsError(
            [Problem(file=file, line=line, column=column, path="", message=message)]
        ) from None
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    try:
        _check_depth(text, file, lines)
        node = yaml.compose(text, Loader=StrictLoader)
    except yaml.YAMLError as error:
        raise ProblemsError([explain(error=error, text=text, file=file, lines=lines)]) from None
    except (RecursionError, ValueError, OverflowError) as error:
        message = f"cannot be read as YAML ({type(error).__name__})"
        raise ProblemsError([Problem(file=file, line=0, column=0, path="", message=message)]) from None
    builder = Builder(file, lines, StrictLoader.PLAIN, depth_max=DEPTH_MAX, nodes_max=NODES_MAX)
    root = builder.build(node)
    return Document(
        file=file, data=root.value, root=root, lines=lines, digest=hashlib.sha256(raw).hexdigest()
    )


def _check_depth(text: str, file: str, lines: list[str]) -> None:
    """Refuse deep nesting before it is composed, because composing recurses."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX and event.start_mark is not None:
                line, column = event.start_mark.line, event.start_mark.column
                source = lines[line] if line < len(lines) else None
                message = f"is nested more than {DEPTH_MAX} levels deep"
                raise ProblemsError(
                    [
                        Problem(
                            file=file,
                            line=line + 1,
                            column=column + 1,
                            path="",
                            message=message,
                            source=source,
                        )
                    ]
                )
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _inside(path: FilePath) -> str:
    """The files of a folder that may be meant."""
    if not path.is_dir():
        return ""
    found = sorted(one.name for one in path.iterdir() if one.suffix in {".yaml", ".yml"})
    return f"in it: {listed(found)}" if found else "there is no YAML file in it"


def _unreadable(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file; check the path"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name a file in it"
    if isinstance(error, PermissionError):
        return "may not be read; check its permissions"
    return f"cannot be read: {error.strerror or error}"
