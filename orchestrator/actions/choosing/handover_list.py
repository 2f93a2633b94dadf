"""The list that goes with the pictures that are handed over: a table for a spreadsheet."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from orchestrator.actions.choosing.handover_pictures import MadePicture
from orchestrator.core.moments import iso_time

_LAST: Final = (
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
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def handover_list(pictures: Sequence[MadePicture]) -> bytes:
    """CSV in UTF-8 with a mark that spreadsheets know it by: a line a picture, a column for each axis and
    tag.

    A text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    axes = list(dict.fromkeys(axis for each in pictures for axis, _ in each.wanted.picture.axes))
    tags = sorted({tag for each in pictures for tag in each.wanted.picture.tags} - set(axes))
    buffer = io.StringIO()
    lines = csv.writer(buffer, lineterminator="\r\n")
    lines.writerow(
        ["file", "campaign", "manifest", "run", "job", *map(_cell, axes), *map(_cell, tags), *_LAST]
    )
    for each in pictures:
        picture = each.wanted.picture
        values = dict(picture.axes)
        lines.writerow(
            [_cell(each.wanted.file), picture.campaign, picture.name, picture.run, picture.job_id]
            + [_cell(values.get(axis, "")) for axis in axes]
            + [_cell(picture.tags.get(tag, "")) for tag in tags]
            + [picture.variation, each.width, each.height, each.size, each.sha256]
            + [_cell(picture.path), picture.sha256, _cell(picture.by), iso_time(picture.at)]
        )
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8", "replace")


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
