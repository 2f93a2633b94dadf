"""Parameters as the manifest has them, before any combination fills them in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path


@dataclass(frozen=True)
class RawParam:
    """A parameter as the manifest has it: a plain value, a template, or a list of templates."""

    path: Path
    value: Any  # plain value, Template, or list of plain values and Templates

    def templates(self) -> Iterator[tuple[Path, Template]]:
        """Every template in it with its path."""
        if isinstance(self.value, Template):
            yield self.path, self.value
        elif isinstance(self.value, list):
            for index, item in enumerate(self.value):
                if isinstance(item, Template):
                    yield (*self.path, index), item


def merged(base: Mapping[str, RawParam], sets: Sequence[Mapping[str, RawParam]]) -> dict[str, RawParam]:
    """`base` with the overrides of `sets` over it, later ones last."""
    result = dict(base)
    for one in sets:
        result.update(one)
    return result
