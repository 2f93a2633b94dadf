"""Why files of an earlier hand-over were taken out of the folder: what is said of them must be true."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from orchestrator.actions.choosing.export import HandedOver
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs import accepted
from orchestrator.store.views.jobs.accepted import AcceptedPicture
from orchestrator.store.views.jobs.walk import JobFilter


class Withdrawal(StrEnum):
    """Why a file is not handed over any longer."""

    RENAMED = "renamed"  # its picture is handed over, under another name
    FLAGGED = "flagged"  # accepted, and left out because the provider flagged it
    NOT_ASKED = "not_asked"  # accepted, and outside of what was asked for this time
    NOT_ACCEPTED = "not_accepted"  # accepted no longer, or another picture is the choice
    UNKNOWN = "unknown"  # an older version did not write down which picture it was


def why_withdrawn(
    database: Database, done: HandedOver, found: Iterable[AcceptedPicture]
) -> dict[Withdrawal, list[str]]:
    """The files that a hand-over took out, by reason; `found` are the accepted pictures that were asked for,
    flagged ones too.
    """
    handed = {each.wanted.picture.sha256 for each in done.listed}
    flagged = {picture.sha256 for picture in found if picture.nsfw}
    still = _still_accepted(database, done.withdrawn)
    reasons: dict[Withdrawal, list[str]] = {}
    for file, entry in done.withdrawn.items():
        picture = entry.get("picture")
        if picture is None:
            why = Withdrawal.UNKNOWN
        elif picture in handed:
            why = Withdrawal.RENAMED
        elif picture in flagged:
            why = Withdrawal.FLAGGED
        else:
            why = Withdrawal.NOT_ASKED if picture in still else Withdrawal.NOT_ACCEPTED
        reasons.setdefault(why, []).append(file)
    return reasons


def _still_accepted(database: Database, withdrawn: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """The digests of those pictures of these files' jobs that are accepted now, whatever was asked for."""
    ids = sorted({int(entry["job"]) for entry in withdrawn.values() if "job" in entry})
    return {
        picture.sha256
        for chunk in chunks(ids)
        for page in accepted.pages(database, JobFilter(ids=tuple(chunk)))
        for picture in page
    }
