"""Where a picture of a cell can have got to, when a move of it, or of another decision, was broken off."""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from orchestrator.artifacts.places import relative_place, with_real_extension
from orchestrator.core.paths import is_superseded, places_of_download
from orchestrator.ports import MovingPicture


def place_of(picture: MovingPicture, name: str) -> PurePosixPath:
    """Where the picture lies that was given the name."""
    return with_real_extension(relative_place(name), picture.media_type)


def names_of(picture: MovingPicture) -> list[PurePosixPath]:
    """The names that it was recorded or decided to have; the recorded one first."""
    names = [relative_place(picture.path), *(place_of(picture, name) for name in picture.may_be)]
    return list(dict.fromkeys(names))


def stray_places(root: Path, picture: MovingPicture) -> Iterator[PurePosixPath]:
    """Further places that a move gives, which nobody recorded: numbered ones, those beside a name that is
    taken, those of files kept aside. Reads the folders; to be asked only where no name of it holds it.
    """
    for place in dict.fromkeys(place_of(picture, name) for name in picture.may_be):
        if is_superseded(str(place)):
            yield from _kin(root, place, r"(changed-)?\d+")
            continue
        beside = places_of_download(str(place), job_id=picture.key[0])[1:]
        yield from map(PurePosixPath, beside)
        yield from _kin(root, place, r"changed-\d+")


def _kin(root: Path, place: PurePosixPath, tag: str) -> Iterator[PurePosixPath]:
    """Files beside the place that are called as it is, and have such a tag."""
    pattern = re.compile(f"{re.escape(place.stem)}~{tag}{re.escape(place.suffix)}")
    try:
        names = sorted(each.name for each in (root / place.parent).iterdir() if pattern.fullmatch(each.name))
    except OSError:  # there is no such folder
        return
    for name in names:
        yield place.with_name(name)
