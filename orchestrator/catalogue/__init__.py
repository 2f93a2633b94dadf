"""The models we know, as data: what may be sent, what it costs, what comes back.

`get(model_id)` gives a `Model`; a further model is a further entry in `entries.py`.
"""

from orchestrator.catalogue.entries import all_models, get, revisions
from orchestrator.catalogue.images import InputRules, is_url, url_problem
from orchestrator.catalogue.model import Latency, Model, PriceRule
from orchestrator.catalogue.parameters import Kind, Parameter, ParamIssue, Severity

__all__ = [
    "InputRules",
    "Kind",
    "Latency",
    "Model",
    "ParamIssue",
    "Parameter",
    "PriceRule",
    "Severity",
    "all_models",
    "get",
    "is_url",
    "revisions",
    "url_problem",
]
