"""The list that goes with the pictures that are handed over: a table for a spreadsheet."""

from collections.abc import Sequence
from typing import Final

from orchestrator.actions.choosing.handover_pictures import MadePicture
from orchestrator.core import spreadsheet
from orchestrator.core.moments import iso_time

_BEGIN: Final = ("file", "campaign", "manifest", "run", "job")
_END: Final = (
    "variation",
    "width",
    "height",
    "bytes",
    "sha256",
    "source",
    "source_sha256",
    "accepted_by",
    "accepted_at",
)


def handover_list(pictures: Sequence[MadePicture]) -> bytes:
    """CSV: a line a picture, a column for each axis and tag."""
    axes = list(dict.fromkeys(axis for each in pictures for axis, _ in each.wanted.picture.axes))
    tags = sorted({tag for each in pictures for tag in each.wanted.picture.tags} - set(axes))
    lines = [spreadsheet.row([*_BEGIN, *axes, *tags, *_END])]
    for each in pictures:
        picture, values = each.wanted.picture, dict(each.wanted.picture.axes)
        begin = (each.wanted.file, picture.campaign, picture.name, picture.run, picture.job_id)
        facts = (picture.variation, each.width, each.height, each.size, each.sha256)
        end = (picture.path, picture.sha256, picture.by, iso_time(picture.at))
        said = [values.get(axis, "") for axis in axes] + [picture.tags.get(tag, "") for tag in tags]
        lines.append(spreadsheet.row([*begin, *said, *facts, *end]))
    return (spreadsheet.MARK + "".join(lines)).encode("utf-8", "replace")
