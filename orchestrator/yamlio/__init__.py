"""YAML that people write: read strictly, every value with its position, every problem reported at once."""

from orchestrator.yamlio.document import Document, Mark, Node, Number, TableCell
from orchestrator.yamlio.loader import load, loads
from orchestrator.yamlio.problems import Problem, ProblemReport, ProblemsError

__all__ = [
    "Document",
    "Mark",
    "Node",
    "Number",
    "Problem",
    "ProblemReport",
    "ProblemsError",
    "TableCell",
    "load",
    "loads",
]
