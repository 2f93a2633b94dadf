"""What `checks:` and `redo_failed:` look like in a manifest."""

from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Final

from orchestrator.core.specs import NAME_PATTERN, JsonObject
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.shapes import Decimal, Field, Integer, ListOf, MapOf, Money, Object, Reading, Text

BITS: Final = Integer(0, 32)


@dataclass(frozen=True)
class _NeedsHashes:
    """A rule that compares pictures by perceptual hashes, which an extra brings."""

    shape: Object

    def read(self, node: Node, reading: Reading) -> Any:
        """The rule; reports where the extra is missing."""
        if find_spec("imagehash") is None:
            reading.wrong(
                node.path,
                "compares pictures, which needs a library",
                'install "orchestrator[checks]"',
                at_key=True,
            )
        return self.shape.read(node, reading)

    def schema(self) -> JsonObject:
        """That of the rule."""
        return self.shape.schema()


def _alike(other: str) -> _NeedsHashes:
    return _NeedsHashes(
        Object(
            (
                Field(
                    "distance", BITS, f"Bits of 64 in which it must differ from {other}, and more.", default=4
                ),
            ),
            "a mapping with distance",
        )
    )


_COMMAND: Final = Object(
    (
        Field(
            "run",
            ListOf(Text(scalars=True), "a list: the program and its words"),
            'Program and words; "{file}" is the picture. Exit 0 passes, 1 fails, anything else is no answer.',
            default=[],
            required=True,
        ),
        Field("timeout_seconds", Decimal(0.1, 3600), "Longest time for one picture.", default=60.0),
    ),
    "a mapping with run",
)

CHECKS: Final = Object(
    (
        Field(
            "size",
            Object(
                (
                    Field("min_width", Integer(1, 100_000), "Pixels across."),
                    Field("min_height", Integer(1, 100_000), "Pixels down."),
                )
            ),
            "At least so many pixels.",
        ),
        Field(
            "ratio",
            Object(
                (
                    Field(
                        "of",
                        Text('a ratio such as "16:9"', r"\d{1,4}:\d{1,4}"),
                        "What the job asked for when absent.",
                    ),
                    Field("tolerance", Decimal(0, 1), "How far off it may be.", default=0.02),
                )
            ),
            "The ratio that was asked for.",
        ),
        Field(
            "blank",
            Object((Field("spread", Decimal(0, 255), "Least spread of a colour, of 255.", default=3.0),)),
            "Not blank, and not nearly of one colour.",
        ),
        Field(
            "brightness",
            Object(
                (
                    Field("min", Decimal(0, 1), "Of 1.", default=0.0),
                    Field("max", Decimal(0, 1), "Of 1.", default=1.0),
                )
            ),
            "Neither too dark nor too light.",
        ),
        Field("like_source", _alike("its source"), "Not just its input picture again."),
        Field("like_sibling", _alike("the other variations"), "Not just another variation again."),
        Field(
            "commands",
            MapOf(_COMMAND, "a mapping of names to commands", name_pattern=NAME_PATTERN, name_what="a name"),
            "Programs of yours that judge; run where checks.commands of the worker's config.yaml allows it.",
        ),
    ),
    "a mapping of checks",
)

REDO_FAILED: Final = Object(
    (
        Field("max", Integer(1, 10), "Further tries of one cell.", default=1),
        Field("budget", Money(), "US dollars that further tries of this run may cost.", required=True),
    ),
    "a mapping with max and budget",
)
