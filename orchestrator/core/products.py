"""What a job's pictures show: the product, by whose name they are put together on pages."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

LENGTH_MAX: Final = 120
"""In characters; a longer name is cut and told apart by its digest, so that an index can hold it."""


def product_name(
    axes: Iterable[tuple[str, str]], tags: Mapping[str, str], pictures: Iterable[str], *, ordinal: int
) -> str:
    """The label on the outermost axis; of a manifest without axes the first tag, the name of the first
    picture that is sent, or the number of the job.
    """
    for _, label in axes:
        return _bounded(label)
    for value in tags.values():
        return _bounded(str(value))
    for written in pictures:
        return _bounded(PurePosixPath(written).stem)
    return f"job {ordinal + 1}"


def _bounded(name: str) -> str:
    name = name.replace("\x00", "").strip()
    if len(name) <= LENGTH_MAX:
        return name or "(no name)"
    return f"{name[: LENGTH_MAX - 9]}~{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"
