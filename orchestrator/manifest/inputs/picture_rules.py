"""An input picture held against what its model takes: what stops it, what a conversion mends, what is only
said.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from orchestrator.catalogue import InputRules
from orchestrator.catalogue.images import MEGABYTE, formats
from orchestrator.manifest.inputs.picture_facts import PictureFacts

SCHEME: Final = 1
"""Of conversions: a change that gives other bytes for a picture is another scheme, and buys its jobs anew."""

LARGE_PIXELS: Final = 50_000_000


class Remark(StrEnum):
    """What is worth saying of a picture that is sent."""

    ROTATED = "rotated"
    CMYK = "cmyk"
    DEEP = "16 bit"
    ANIMATED = "animated"
    LARGE = "large"
    FORMAT = "format"
    SMALL = "small"
    HEAVY = "heavy"


class Flaw(NamedTuple):
    """Why the model would not take the picture."""

    message: str
    remark: Remark | None = None  # what a conversion does about it; None: nothing can be done


class PictureVerdict(NamedTuple):
    """What is wrong with a picture, and what is odd about it."""

    flaws: list[Flaw]
    remarks: list[Remark]

    @property
    def mendable(self) -> bool:
        """Whether a conversion mends every flaw."""
        return all(flaw.remark is not None for flaw in self.flaws)


def judge(facts: PictureFacts, media_type: str, size: int, rules: InputRules) -> PictureVerdict:
    """What the rules say about a picture of that type and that many bytes."""
    if facts.damage:
        return PictureVerdict([Flaw(f"is not a whole picture: {facts.damage}")], [])
    return PictureVerdict(list(_flaws(facts, media_type, size, rules=rules)), list(_remarks(facts)))


def too_heavy(size: int, rules: InputRules) -> Flaw:
    """The flaw of a file that has too many bytes."""
    return Flaw(
        f"has {size / MEGABYTE:.1f} MB; at most {rules.bytes_max / MEGABYTE:g} MB are accepted", Remark.HEAVY
    )


def _flaws(facts: PictureFacts, media_type: str, size: int, *, rules: InputRules) -> Iterator[Flaw]:
    if media_type not in rules.media_types:
        yield Flaw(f"is {formats([media_type])}; expected {formats(rules.media_types)}", Remark.FORMAT)
    if size > rules.bytes_max:
        yield too_heavy(size, rules)
    if facts.short_side < rules.side_min:
        yield Flaw(
            f"has {facts.width} x {facts.height} pixels; at least {rules.side_min} a side are needed",
            Remark.SMALL,
        )
    if rules.ratio_max is not None and facts.ratio > rules.ratio_max:
        yield Flaw(
            f"is {facts.width} x {facts.height}; one side may be at most {rules.ratio_max:g} times the other "
            "(crop it)"
        )


def _remarks(facts: PictureFacts) -> Iterator[Remark]:
    if facts.rotated:
        yield Remark.ROTATED
    if facts.cmyk:
        yield Remark.CMYK
    if facts.deep:
        yield Remark.DEEP
    if facts.animated:
        yield Remark.ANIMATED
    if facts.width * facts.height > LARGE_PIXELS:
        yield Remark.LARGE


def recipe_of(verdict: PictureVerdict, rules: InputRules) -> str:
    """How the picture is converted; empty when there is nothing to convert."""
    wanted = {*verdict.remarks, *(flaw.remark for flaw in verdict.flaws)} - {Remark.LARGE, None}
    return f"{SCHEME}:{rules.side_min}:{rules.bytes_max}" if wanted else ""
