"""What is said of input pictures that are sent: converted, or odd and sent as they are."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from orchestrator.catalogue import InputRules
from orchestrator.catalogue.images import MEGABYTE, formats
from orchestrator.manifest.inputs.picture_rules import Remark

Remarks = Mapping[Remark, tuple[int, list[str]]]
"""Of each kind: how many pictures, and the first of them."""

_ODD: Final[Mapping[Remark, tuple[str, str]]] = MappingProxyType(
    {
        Remark.ROTATED: ("turned by its EXIF data", "the model may see it lying on its side"),
        Remark.CMYK: ("in CMYK, made for print", "its colours may come out wrong"),
        Remark.DEEP: ("in 16 bits a channel", "the model works in 8"),
        Remark.ANIMATED: ("of several frames", "only one of them can count"),
        Remark.LARGE: ("of more than 50 million pixels", "it may be too large for the model"),
    }
)
_CONVERTED: Final[Mapping[Remark, str]] = MappingProxyType(
    {
        Remark.ROTATED: "turned upright",
        Remark.CMYK: "from CMYK to RGB",
        Remark.DEEP: "from 16 bits to 8",
        Remark.ANIMATED: "to the first frame",
        Remark.FORMAT: "to {formats}",
        Remark.SMALL: "enlarged to {side} pixels a side",
        Remark.HEAVY: "made smaller than {megabytes:g} MB",
    }
)


def said(remarks: Remarks, rules: InputRules, *, converted: int, normalize: bool) -> Iterator[str]:
    """A sentence for each thing that is odd, or one for all conversions of `converted` pictures."""
    if normalize and converted:
        yield _conversions(remarks, rules, converted)
    for remark, (number, named) in remarks.items():
        if remark in _ODD and (remark is Remark.LARGE or not normalize):
            what, risk = _ODD[remark]
            hint = (
                ""
                if remark is Remark.LARGE
                else "; `inputs: {normalize: true}` in the configuration converts a copy"
            )
            yield f"{_pictures(number)} {what}: {_names(number, named)}; {risk}{hint}"


def _conversions(remarks: Remarks, rules: InputRules, converted: int) -> str:
    words = {
        "formats": formats(rules.media_types),
        "side": rules.side_min,
        "megabytes": rules.bytes_max / MEGABYTE,
    }
    parts = [
        f"{number:,} {_CONVERTED[remark].format(**words)}"
        for remark, (number, _named) in remarks.items()
        if remark in _CONVERTED
    ]
    noun = "input picture is" if converted == 1 else "input pictures are"
    return f"{converted:,} {noun} converted before the upload, in a copy: {', '.join(parts)}"


def _pictures(number: int) -> str:
    return "1 input picture is" if number == 1 else f"{number:,} input pictures are"


def _names(number: int, named: list[str]) -> str:
    more = f" and {number - len(named):,} more" if number > len(named) else ""
    return ", ".join(named) + more
