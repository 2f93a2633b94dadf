"""What is asked about a price, and which answers are believed."""

import hashlib
from collections.abc import Collection, Mapping
from typing import Any, Final

from orchestrator.core.keys import encoded
from orchestrator.core.specs import PICTURE

UNBELIEVED_BELOW: Final = 50
"""A price below this part of the list price is no discount: rather another unit, such as cents. Holding so
little would let a hundred times the cap be bought."""


def price_digest(model: str, inputs: Mapping[str, Any]) -> str:
    """16 hex digits over a model and those inputs that decide the price of a call."""
    return hashlib.sha256(encoded([model, dict(inputs)]).encode()).hexdigest()[:16]


def believed_micros(quoted: int, list_micros: int) -> int:
    """The price to hold: as quoted, or the list price where the quote is nothing or next to nothing. A free
    promotion is held at the list price too; the bill corrects it.
    """
    return list_micros if quoted * UNBELIEVED_BELOW < list_micros else quoted


def asked_inputs(params: Mapping[str, Any], local: Collection[str]) -> dict[str, Any]:
    """The inputs of a question about a price before anything is uploaded: without the local pictures, and
    without the one that a job of a later stage will take.
    """
    found: dict[str, Any] = {}
    here = {PICTURE, *local}
    for name, value in params.items():
        if isinstance(value, list | tuple):
            value = [item for item in value if item not in here]  # noqa: PLW2901 - the same value, less
        if value != []:
            found[name] = value
    return found
