"""What a recipe looks like in a manifest or the configuration, and the recipe that is meant."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from orchestrator.core.specs import NAME_PATTERN, JsonObject
from orchestrator.pictures.embedded import SourceType, Words
from orchestrator.pictures.recipes import AS_IT_IS, PRESETS, QUALITY_MIN, Fit, Format, Recipe
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import Choice, Field, Flag, Integer, ListOf, MapOf, Object, Reading, Text

SIDE_MAX: Final = 20_000
_AI: Final = {
    "none": SourceType.NONE,
    "edited": SourceType.COMPOSITE,
    "generated": SourceType.GENERATED,
}


@dataclass(frozen=True)
class _Colour:
    """A colour as CSS writes it."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The text."""
        from PIL import ImageColor

        try:
            ImageColor.getrgb(str(node.value))
        except ValueError:
            reading.expected(node, 'a colour such as white or "#f5f5f0"')
            return None
        return str(node.value)

    def schema(self) -> JsonObject:
        """Text."""
        return {"type": "string"}


_SIDE: Final = Integer(1, SIDE_MAX)
_METADATA: Final = Object(
    (
        Field("title", Text(), "Title; may hold templates."),
        Field("description", Text(), "What is to be seen; may hold templates."),
        Field("creator", Text(), "Who made it."),
        Field("credit", Text(), "The line that is printed beside it."),
        Field("copyright", Text(), "Notice of copyright."),
        Field("keywords", ListOf(Text(scalars=True), "a list of words"), "Keywords.", default=[]),
        Field(
            name="ai",
            shape=Choice(tuple(_AI)),
            doc="Digital source type: a photo that a model edited, a picture generated whole, or nothing.",
            default="none",
        ),
    ),
    "a mapping of IPTC fields",
)

RECIPE: Final = Object(
    (
        Field(
            "preset", Choice(tuple(PRESETS)), "A ready recipe, of which this one differs in what it names."
        ),
        Field("width", _SIDE, "Pixels across; with fit inside: at most."),
        Field("height", _SIDE, "Pixels down; with fit inside: at most."),
        Field("ratio", Text('a ratio such as "4:5"', r"[1-9]\d{0,3}:[1-9]\d{0,3}"), "Width to height."),
        Field(
            "fit",
            Choice(tuple(Fit)),
            "inside keeps the ratio, crop cuts what is too much, pad adds background.",
        ),
        Field("background", _Colour(), "What padding and transparency become; white when absent."),
        Field("enlarge", Flag(), "Allow more pixels than the picture has."),
        Field("format", Choice(tuple(Format)), "File format; as it is when absent."),
        Field("quality", Integer(QUALITY_MIN, 100), "Of JPEG and WebP; 90 when absent."),
        Field(
            "max_bytes", Integer(1_000, 1_000_000_000), "The quality goes down until the file is no larger."
        ),
        Field("srgb", Flag(), "Convert the colours to sRGB; true when absent."),
        Field("metadata", _METADATA, "IPTC fields to write into the file.", default={}),
        Field("file", Text(), 'Name of the file, such as "{{ tags.sku }}-{{ number }}.{{ ext }}".'),
    ),
    "a recipe: a mapping of what to change",
)
RECIPES: Final = MapOf(
    RECIPE,
    "a mapping of names to recipes",
    name_pattern=NAME_PATTERN,
    name_what="a name of letters and digits",
)


def recipe_from(said: Mapping[str, Any]) -> Recipe:
    """The recipe that a read mapping means."""
    base = PRESETS[said["preset"]] if said.get("preset") else AS_IT_IS
    named = {
        name: said[name]
        for name in ("width", "height", "background", "enlarge", "quality", "max_bytes", "srgb", "file")
        if said.get(name) is not None
    }
    if said.get("ratio"):
        across, _, down = said["ratio"].partition(":")
        named["ratio"] = (int(across), int(down))
    if said.get("format"):
        named["format"] = Format(said["format"])
    fit = Fit(said["fit"]) if said.get("fit") else _fit_of(named, base)
    return replace(base, **{**named, "fit": fit, "words": _words(said.get("metadata") or {})})


def _fit_of(named: Mapping[str, Any], base: Recipe) -> Fit:
    """A ratio without a word on how is met by cutting."""
    return Fit.CROP if "ratio" in named and base.fit is Fit.INSIDE else base.fit


def _words(said: Mapping[str, Any]) -> Words:
    return Words(
        **{name: said.get(name) or "" for name in ("title", "description", "creator", "credit", "copyright")},
        keywords=tuple(word for word in said.get("keywords") or () if word),
        source_type=_AI[said.get("ai") or "none"],
    )
