"""YAML that people write: read strictly, every value with its position, every problem reported at once."""

from orchestrator.yamlio.document import Document, Mark, Node, Number
from orchestrator.yamlio.loader import load, loads
from orchestrator.yamlio.problems import Problem, ProblemsError, Report

__all__ = [
    "Document",
    "Mark",
    "Node",
    "Number",
    "Problem",
    "ProblemsError",
    "Report",
    "load",
    "loads",
]
