"""Handing over: accepted pictures under their clean names in a folder or an archive, made by a recipe.

Files in the folder that are not ours are never overwritten: all of them are named, and nothing is written.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from orchestrator.actions.choosing.handover_list import handover_list
from orchestrator.actions.choosing.handover_names import ToHandOver
from orchestrator.actions.choosing.handover_pictures import MadePicture, NotHandedOver, made
from orchestrator.actions.choosing.handover_record import LIST, HandoverRecord, digest_of, write_whole
from orchestrator.core.errors import StorageError
from orchestrator.runtime import own_files

ZIP_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say: the time of day must not change its bytes."""


@dataclass(slots=True)
class HandedOver:
    """What a hand-over did."""

    target: Path
    written: int = 0
    unchanged: int = 0
    listed: list[MadePicture] = field(default_factory=list)  # without their bytes
    withdrawn: dict[str, dict[str, Any]] = field(default_factory=dict)  # files taken out, with their entries
    left_alone: list[str] = field(default_factory=list)  # such files that somebody has changed since
    refused: list[NotHandedOver] = field(default_factory=list)


def to_folder(
    root: Path, pictures: Sequence[ToHandOver], *, target: Path, progress: Callable[[int], None]
) -> HandedOver:
    """Write the folder; raises UsageError for files that are not ours, and StorageError."""
    done = HandedOver(target)
    earlier = HandoverRecord.read(target)
    earlier.refuse_others(target, [each.file for each in pictures])
    listed = done.listed
    try:
        target.mkdir(parents=True, exist_ok=True)
        earlier.write(target)
        for group in made(root, pictures, earlier=earlier, target=target):
            ready = [each for each in group if isinstance(each, MadePicture)]
            done.refused += [each for each in group if isinstance(each, NotHandedOver)]
            earlier.add({each.wanted.file: each.entry for each in ready})
            earlier.write(target)  # before the files, so that what a crash leaves is known to be ours
            for each in ready:
                if each.data is not None:
                    write_whole(target / each.wanted.file, each.data)
                    done.written += 1
                else:
                    done.unchanged += 1
                listed.append(replace(each, data=None))
            progress(len(listed) + len(done.refused))
        _withdraw(done, earlier, kept={each.wanted.file for each in listed})
        write_whole(target / LIST, handover_list(listed))
        HandoverRecord({each.wanted.file: each.entry for each in listed}).write(target)
    except OSError as error:
        raise StorageError(
            f"{error.filename or target} cannot be written: {error.strerror or error}. {done.written:,} of "
            f"{len(pictures):,} pictures were; make room or name another folder, and run it again: it goes "
            "on."
        ) from None
    return done


def to_archive(
    root: Path, pictures: Sequence[ToHandOver], *, target: Path, progress: Callable[[int], None]
) -> HandedOver:
    """Write one zip file; the same pictures give the same bytes. Raises UsageError for a file that is not
    ours, and StorageError.
    """
    own_files.refuse_others(target, (LIST,), "archive")
    done = HandedOver(target)
    beside = target.with_name(f".{target.name[:100]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=target.parent) as spool, beside.open("wb") as file:
            listed = done.listed
            for group in made(root, pictures, earlier=HandoverRecord({}), target=None):
                done.refused += [each for each in group if isinstance(each, NotHandedOver)]
                for each in group:
                    if isinstance(each, MadePicture) and each.data is not None:
                        spool.write(each.data)
                        listed.append(replace(each, data=None))
                progress(len(listed) + len(done.refused))
            _zip(file, spool, listed)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(target)
        done.written = len(listed)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(
            f"{error.filename or target} cannot be written: {error.strerror or error}. Nothing was handed "
            "over; make room or name another place."
        ) from None
    return done


def _zip(file: IO[bytes], spool: IO[bytes], listed: Sequence[MadePicture]) -> None:
    """The list first, which marks the archive as ours. Pictures are compressed already."""
    spool.seek(0)
    with ZipFile(file, "w", ZIP_STORED) as archive:
        archive.writestr(ZipInfo(LIST, ZIP_DATE), handover_list(listed))
        for each in listed:
            archive.writestr(ZipInfo(each.wanted.file, ZIP_DATE), spool.read(each.size))


def _withdraw(done: HandedOver, earlier: HandoverRecord, *, kept: set[str]) -> None:
    """What is not handed over now must not stay among what is; see `withdrawals.py` for the reasons."""
    refused = {each.file for each in done.refused}
    for file in sorted(set(earlier.files) - kept):
        path = done.target / file
        digest = digest_of(path)
        if digest is None:
            continue
        if digest in earlier.digests(file):
            path.unlink()
            if file not in refused:
                done.withdrawn[file] = earlier.files[file]
        else:
            done.left_alone.append(file)
