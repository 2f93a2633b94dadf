"""What a manifest says of its pictures once they are made: how they are judged, and handed over."""

from typing import Final

from orchestrator.manifest.shapes.gate_shape import GATES
from orchestrator.pictures.check_shape import CHECKS, REDO_FAILED
from orchestrator.pictures.recipe_shape import RECIPES
from orchestrator.yamlio.shapes import Field, Nullable

CHOOSING: Final = (
    Field(
        name="checks",
        shape=CHECKS,
        doc="Rules that judge each stored picture on this machine; what they find is a suggestion.",
        default={},
    ),
    Field(
        name="redo_failed",
        shape=Nullable(REDO_FAILED),
        doc="Make a picture that fails a check again by itself, so often and for so much money in a run.",
    ),
    Field(
        name="recipes",
        shape=RECIPES,
        doc="How accepted pictures are changed when they are handed over: `export --recipe NAME`.",
        default={},
    ),
)
KEPT: Final = ("cover", *(field.name for field in (*CHOOSING, *GATES)))
"""What the run keeps, because it is needed when the manifest is no longer at hand."""
