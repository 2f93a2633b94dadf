"""YAML that people write: read strictly, every value with its position, every problem reported at once."""

from orchestrator.yamlio.document import Cell, Document, Mark, Node, Number
from orchestrator.yamlio.loader import load, loads
from orchestrator.yamlio.problems import Problem, ProblemReport, ProblemsError

__all__ = [
    "Cell",
    "Document",
    "Mark",
    "Node",
    "Number",
    "Problem",
    "ProblemReport",
    "ProblemsError",
    "load",
    "loads",
]
