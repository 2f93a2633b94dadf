"""What a manifest may hold, declared once: it reads the file and gives editors their schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from orchestrator.catalogue import Model, all_models
from orchestrator.core.specs import NAME_PATTERN, JsonObject
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.shapes.choosing_shape import CHOOSING
from orchestrator.manifest.shapes.gate_shape import GATES
from orchestrator.manifest.shapes.nights_shape import NIGHTS
from orchestrator.manifest.shapes.source_schema import source_schema
from orchestrator.manifest.shapes.stages_shape import STAGES
from orchestrator.timetable.schedule_shape import SCHEDULE
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import (
    DRAFT_07,
    Anything,
    Field,
    Integer,
    ListOf,
    MapOf,
    Money,
    Nullable,
    Object,
    Reading,
    Text,
)

NAME_WHAT: Final = "a name of letters, digits, dots, hyphens and underscores, such as summer-hero"
AXIS_PATTERN: Final = r"[A-Za-z][A-Za-z0-9_]{0,63}"
RESERVED: Final = ("name", "campaign", "run", "date", "tick", "variation", "index", "ext", "key", "number")
VARIATIONS_MAX: Final = 1000

_SCALAR: Final[JsonObject] = {"type": ["string", "number", "boolean"]}
_VALUE: Final[JsonObject] = {"anyOf": [_SCALAR, {"type": "object"}]}
_MATCH: Final[JsonObject] = {"anyOf": [_SCALAR, {"type": "object"}, {"type": "array", "minItems": 1}]}


@dataclass(frozen=True)
class _Version:
    """The number 1."""

    def read(self, node: Node, reading: Reading) -> int | None:
        """The version."""
        if node.value == 1 and not isinstance(node.value, bool):
            return 1
        reading.expected(node, "1, the only version of manifests so far")
        return None

    def schema(self) -> JsonObject:
        """A constant."""
        return {"const": 1}


@dataclass(frozen=True)
class _ModelId:
    """The id of a model in the catalogue."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The id."""
        known = [model.id for model in all_models()]
        if isinstance(node.value, str) and node.value in known:
            return node.value
        hint = did_you_mean(node.text, known) if node.text else ""
        reading.expected(node, f"a model we know ({listed(known)})", hint)
        return None

    def schema(self) -> JsonObject:
        """An enumeration."""
        return {"enum": [model.id for model in all_models()]}


@dataclass(frozen=True)
class _Axes:
    """Names to sources of values."""

    def read(self, node: Node, reading: Reading) -> dict[str, Node]:
        """Name to the node of its source."""
        if not isinstance(node.value, Mapping):
            reading.expected(node, "a mapping of axis names to lists or sources")
            return {}
        for name, child in node.children.items():
            if name in RESERVED:
                message = f"the name is taken; templates use these already: {listed(RESERVED)}"
                reading.wrong(child.path, message, at_key=True)
        names = MapOf(
            shape=Anything({}),
            what="axes",
            name_pattern=AXIS_PATTERN,
            name_what="a name of letters, digits and underscores",
        )
        return dict(names.read(node, reading))

    def schema(self) -> JsonObject:
        """An object of sources."""
        names = {"pattern": f"^{AXIS_PATTERN}$", "not": {"enum": list(RESERVED)}}
        return {"type": "object", "propertyNames": names, "additionalProperties": source_schema(_VALUE)}


_WHEN: Final = MapOf(Anything(_MATCH), "a mapping of axis names to values")
_SET: Final = MapOf(Anything({}), "a mapping of parameters to values")

MANIFEST: Final = Object(
    (
        Field("version", _Version(), "Version of the format: 1.", required=True),
        Field("name", Text(NAME_WHAT, NAME_PATTERN), "Name of this work; the file's name when absent."),
        Field(
            "campaign",
            Text(NAME_WHAT, NAME_PATTERN),
            "The campaign that pays; the manifest's name when absent.",
        ),
        Field(
            name="run",
            shape=Text(),
            doc='Run key: one run for each, such as "{{ date }}" for one a day.',
            default="main",
        ),
        Field("model", _ModelId(), "The model that makes the pictures.", required=True),
        Field("budget", Money(), "US dollars that one run may spend; nothing is admitted beyond it."),
        Field(
            "campaign_budget",
            Money(),
            "US dollars that its campaign may spend, over all manifests and runs; the strictest word counts.",
        ),
        Field(name="priority", shape=Integer(-1000, 1000), doc="Higher is worked on first.", default=0),
        Field(
            name="variations",
            shape=Integer(1, VARIATIONS_MAX),
            doc="How often each combination is asked for on purpose.",
            default=1,
        ),
        Field(
            "cover",
            Text("the name of an axis", AXIS_PATTERN),
            "The axis whose values take turns, so that each has a picture before any has two; the first axis "
            "when absent.",
        ),
        Field(
            name="matrix", shape=_Axes(), doc="Axes; every combination of their values is a job.", default={}
        ),
        Field(
            name="zip",
            shape=_Axes(),
            doc="Lists of equal length that go together, then combined with the matrix.",
            default={},
        ),
        Field(
            name="exclude",
            shape=ListOf(_WHEN, "a list of partial matches"),
            doc="Combinations to leave out.",
            default=[],
        ),
        Field(
            name="override",
            shape=ListOf(
                Object(
                    (
                        Field(name="when", shape=_WHEN, doc="A partial match.", default={}, required=True),
                        Field(
                            name="set",
                            shape=_SET,
                            doc="Parameters for the combinations that match.",
                            default={},
                            required=True,
                        ),
                    ),
                    "a mapping with when and set",
                ),
                "a list of {when: ..., set: ...}",
            ),
            doc="Parameters that differ for some combinations.",
            default=[],
        ),
        Field(
            name="add",
            shape=ListOf(MapOf(Anything(_VALUE), "a whole combination"), "a list of whole combinations"),
            doc="Combinations beyond the product.",
            default=[],
        ),
        Field(
            name="params",
            shape=_SET,
            doc="What is sent to the model; text may hold templates.",
            default={},
            required=True,
        ),
        Field("output", Text(), "Where each picture goes, relative to the output root."),
        Field(
            name="retry",
            shape=Object(
                (
                    Field(
                        "max_attempts",
                        Nullable(Integer(1, 100)),
                        "Attempts for each job; none: as retry.max_attempts of the configuration says.",
                    ),
                )
            ),
            doc="Attempts after a failure that may pass.",
            default={},
        ),
        Field(
            name="tags",
            shape=MapOf(
                shape=Text("text", empty=True, scalars=True),
                what="a mapping of names to text",
                name_pattern=NAME_PATTERN,
                name_what=NAME_WHAT,
            ),
            doc="Words to find jobs by; text may hold templates.",
            default={},
        ),
        *NIGHTS,
        *CHOOSING,
        *GATES,
        *STAGES,
        SCHEDULE,
    ),
    "a manifest: a mapping that starts with version: 1",
)


def manifest_json_schema() -> JsonObject:
    """JSON Schema (draft-07) of a manifest, with the parameters of each model."""
    schema: JsonObject = {"$schema": DRAFT_07, "title": "orchestrator manifest", **MANIFEST.schema()}
    schema["properties"]["params"] = {
        "type": "object",
        "description": "What is sent to the model; text may hold templates.",
    }
    schema["allOf"] = [
        {
            "if": {"properties": {"model": {"const": model.id}}, "required": ["model"]},
            "then": {"properties": {"params": model.params_schema(), "stages": _stages_schema(model)}},
        }
        for model in all_models()
    ]
    return schema


def _stages_schema(model: Model) -> JsonObject:
    """Of stages: as the parameters of the manifest, but for the images, which may be absent."""
    params = model.params_schema()
    required = [name for name in params["required"] if name != model.images_param]
    return {"additionalProperties": {"properties": {"params": params | {"required": required}}}}
