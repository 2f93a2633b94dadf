"""Rules that judge a picture by its pixels. Pure: pictures in, a word for each rule out.

A rule suggests; a person or a stated budget decides. Thresholds are those of the manifest.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, ImageStat

HASH_BITS: Final = 64
SHADES: Final = 255.0


@dataclass(frozen=True, slots=True)
class CheckAnswer:
    """What one rule says of one picture."""

    name: str
    passed: bool | None  # None: the rule could not be applied
    reason: str  # what was found; for people


@dataclass(frozen=True, slots=True)
class CheckedPicture:
    """A picture, and what it is compared with."""

    picture: Image.Image
    asked_ratio: str = ""  # what the job asked for, such as 16:9; auto or empty: nothing
    sources: Sequence[Image.Image] = ()  # the input pictures that are here
    siblings: Sequence[tuple[str, Image.Image]] = ()  # name and picture of other variations of its cell


def judge(subject: CheckedPicture, rules: Mapping[str, Any]) -> list[CheckAnswer]:
    """What each rule of the manifest says; `commands` are not among them, since they are no pixels."""
    return [
        _RULES[name](subject, said) for name, said in rules.items() if name in _RULES and said is not None
    ]


def _size(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    width, height = subject.picture.size
    least = said.get("min_width") or 0, said.get("min_height") or 0
    return CheckAnswer(
        "size",
        width >= least[0] and height >= least[1],
        f"it has {width} x {height} pixels; at least {least[0]} x {least[1]} are asked for",
    )


def _ratio(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    wanted = said.get("of") or subject.asked_ratio
    across, _, down = wanted.partition(":")
    if not (across.isdigit() and down.isdigit()):
        return CheckAnswer("ratio", passed=None, reason="the job asks for no ratio, and the check names none")
    width, height = subject.picture.size
    off = abs(width * int(down) / (height * int(across)) - 1)
    return CheckAnswer(
        "ratio",
        off <= said["tolerance"],
        f"it has {width} x {height} pixels, {off:.1%} off {wanted}; {said['tolerance']:.1%} is allowed",
    )


def _blank(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    spread = max(ImageStat.Stat(_small(subject.picture, "RGB")).stddev)
    return CheckAnswer(
        "blank",
        spread >= said["spread"],
        f"its colours are spread by {spread:.1f} of 255; under {said['spread']:g} counts as blank",
    )


def _brightness(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    mean = ImageStat.Stat(_small(subject.picture, "L")).mean[0] / SHADES
    return CheckAnswer(
        "brightness",
        said["min"] <= mean <= said["max"],
        f"its brightness is {mean:.2f}; {said['min']:g} to {said['max']:g} is asked for",
    )


def _like_source(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    if not subject.sources:
        return CheckAnswer("like_source", passed=None, reason="none of its input pictures is on this machine")
    nearest = min(_distance(subject.picture, source) for source in subject.sources)
    return CheckAnswer(
        "like_source",
        nearest > said["distance"],
        _difference("its source", nearest, said),
    )


def _like_sibling(subject: CheckedPicture, said: Mapping[str, Any]) -> CheckAnswer:
    near = [(_distance(subject.picture, other), name) for name, other in subject.siblings]
    if not near:
        return CheckAnswer("like_sibling", passed=True, reason="it has no sibling yet")
    nearest, name = min(near)
    return CheckAnswer(
        "like_sibling",
        nearest > said["distance"],
        _difference(name, nearest, said),
    )


def _difference(other: str, bits: int, said: Mapping[str, Any]) -> str:
    least = said["distance"]
    return f"it differs from {other} in {bits} of {HASH_BITS} bits; more than {least} are asked for"


def _distance(one: Image.Image, other: Image.Image) -> int:
    """Bits in which the perceptual hashes differ: 0 for the same picture in another size or format."""
    import imagehash

    return int(imagehash.phash(one) - imagehash.phash(other))


def _small(picture: Image.Image, mode: str) -> Image.Image:
    """Few pixels are enough for a statistic."""
    small = picture.convert(mode)
    small.thumbnail((256, 256))
    return small


_RULES: Final[Mapping[str, Callable[[CheckedPicture, Mapping[str, Any]], CheckAnswer]]] = {
    "size": _size,
    "ratio": _ratio,
    "blank": _blank,
    "brightness": _brightness,
    "like_source": _like_source,
    "like_sibling": _like_sibling,
}
NEED_HASHES: Final = ("like_source", "like_sibling")
"""The rules that need the extra `checks`."""
