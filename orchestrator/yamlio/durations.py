"""Lengths of time that people write: 90s, 10m, 12h, 30d, 8w."""

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.core.specs import JsonObject
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import Reading

SECOND_MS: Final = 1000
_UNIT_MS: Final = {
    "s": SECOND_MS,
    "m": 60 * SECOND_MS,
    "h": 3_600 * SECOND_MS,
    "d": 86_400 * SECOND_MS,
    "w": 604_800 * SECOND_MS,
}
_WRITTEN: Final = re.compile(r"([1-9][0-9]{0,5}) ?([smhdw])")


@dataclass(frozen=True)
class Duration:
    """A number and its unit, from seconds to weeks; gives whole steps of `step_ms`: ms, or seconds."""

    example: str
    step_ms: int = 1

    def read(self, node: Node, reading: Reading) -> int | None:
        """The length."""
        found = _WRITTEN.fullmatch(node.value.strip()) if isinstance(node.value, str) else None
        if found is None:
            reading.expected(node, f"a length of time such as {self.example}")
            return None
        return int(found[1]) * _UNIT_MS[found[2]] // self.step_ms

    def schema(self) -> JsonObject:
        """A string."""
        return {"type": "string", "pattern": f"^{_WRITTEN.pattern}$"}
