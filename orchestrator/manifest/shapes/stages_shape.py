"""What a manifest says of further stages: what is made of its pictures once they are there."""

from dataclasses import dataclass
from typing import Any, Final

from orchestrator.core.specs import NAME_PATTERN, JsonObject
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import Anything, Choice, Field, MapOf, Object, Reading, Text

PICTURES: Final = "pictures"
"""What the manifest itself asks for, where stages are named."""

STAGE_NAME_WHAT: Final = "a name of letters, digits, dots, hyphens and underscores, such as cutout"
STAGES_MAX: Final = 10

_STAGE: Final = Object(
    (
        Field(
            "needs",
            Text(STAGE_NAME_WHAT, NAME_PATTERN),
            "What it takes: `pictures`, which the manifest itself asks for, or another stage; the stage "
            "written above it when absent.",
        ),
        Field(
            "take",
            Choice(("accepted", "all")),
            "Which pictures: those that were accepted, or all that are not rejected.",
            default="accepted",
        ),
        Field(
            "params",
            MapOf(Anything({}), "a mapping of parameters to values"),
            'What is sent to the model; among the images, "@picture" stands for the picture that it takes.',
            required=True,
        ),
        Field("output", Text(), "Where each of its pictures goes, relative to the output root."),
        Field("latest", Text(), "A stable name for each of its pictures, relative to the output root."),
        Field(
            name="tags",
            shape=MapOf(
                shape=Text("text", empty=True, scalars=True),
                what="a mapping of names to text",
                name_pattern=NAME_PATTERN,
                name_what="a name of letters, digits, dots, hyphens and underscores",
            ),
            doc="Words to find its jobs by, over those of the manifest.",
            default={},
        ),
        Field("model", Text("the id of a model"), "The model that makes it: that of the manifest, so far."),
    ),
    "a mapping with params",
)


@dataclass(frozen=True)
class _Stages:
    """Names to stages, in written order."""

    def read(self, node: Node, reading: Reading) -> dict[str, dict[str, Any]]:
        """The plain keys of each stage; `params` holds nodes."""
        if len(node.children) > STAGES_MAX and isinstance(node.value, dict):
            found = f"at most {STAGES_MAX} stages are taken, got {len(node.children)}"
            reading.wrong(node.path, found, at_key=True)
            return {}
        if PICTURES in node.children:
            message = f'"{PICTURES}" is what the manifest itself asks for, so no stage can have the name'
            reading.wrong(node.children[PICTURES].path, message, "call it by what it makes", at_key=True)
        return self._map.read(node, reading)

    def schema(self) -> JsonObject:
        """An object of stages."""
        names = {"pattern": f"^(?:{NAME_PATTERN})$", "not": {"const": PICTURES}}
        return self._map.schema() | {"propertyNames": names, "maxProperties": STAGES_MAX}

    @property
    def _map(self) -> MapOf:
        what = "a mapping of stages, such as `cutout: {params: ...}`"
        return MapOf(_STAGE, what, name_pattern=NAME_PATTERN, name_what=STAGE_NAME_WHAT)


STAGES: Final = (
    Field(
        name="stages",
        shape=_Stages(),
        doc="Further stages, each made of the pictures of the stage that it needs.",
        default={},
    ),
    Field(
        name="reserve",
        shape=Choice(("hop", "chain")),
        doc="What the caps must have room for before a picture is begun: itself, or all that follows too.",
        default="hop",
    ),
)
