"""Values that only the configuration has: URLs, names of environment variables, time zones."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestrator.settings.urls import base_url_problem
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import Reading, Text


@dataclass(frozen=True)
class Url(Text):
    """A URL or an address that `problem_of` finds nothing wrong with; it is not echoed, it may hold a
    password.
    """

    problem_of: Callable[[str], str | None] = base_url_problem

    def read(self, node: Node, reading: Reading) -> str | None:
        """The text."""
        text = node.value if isinstance(node.value, str) else ""
        problem = self.problem_of(text)
        if problem is None:
            return text
        reading.report.add(replace(reading.document.problem(node.path, problem), source=None))
        return None


@dataclass(frozen=True)
class VariableName(Text):
    """The name of an environment variable; what is there instead may be the key itself, so it is not
    shown.
    """

    def read(self, node: Node, reading: Reading) -> str | None:
        """The name."""
        if isinstance(node.value, str) and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", node.value):
            return node.value
        message = "expected the name of an environment variable such as WAVESPEED_API_KEY, not the key itself"
        problem = reading.document.problem(node.path, message)
        reading.report.add(replace(problem, source=None))
        return None


@dataclass(frozen=True)
class Timezone(Text):
    """The name of a time zone, such as Europe/Berlin."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The name."""
        try:
            ZoneInfo(str(node.value))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            reading.expected(node, "the name of a time zone such as UTC or Europe/Berlin")
            return None
        return str(node.value)
