"""What a manifest says of its pictures once they are made: how they are judged, and handed over."""

from typing import Final

from orchestrator.pictures.check_shape import CHECKS
from orchestrator.pictures.recipe_shape import RECIPES
from orchestrator.yamlio.shapes import Field

CHOOSING: Final = (
    Field(
        name="checks",
        shape=CHECKS,
        doc="Rules that judge each stored picture on this machine; what they find is a suggestion.",
        default={},
    ),
    Field(
        name="recipes",
        shape=RECIPES,
        doc="How accepted pictures are changed when they are handed over: `export --recipe NAME`.",
        default={},
    ),
)
KEPT: Final = tuple(field.name for field in CHOOSING)
"""What the run keeps, because it is needed when the manifest is no longer at hand."""
