"""Sidecars follow the last word on their pictures, so that a lost database gives it back.

The database has it first, and is right. What cannot be written now, because the files are on another host or
another process moves them, is written by the next word on the job or by `outputs move`.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from orchestrator.ports import Shelf
from orchestrator.store.choosing import told_choices
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Database
from orchestrator.store.views.jobs import stored_pictures

JOBS: Final = 200
"""Jobs that are read in one transaction."""


def tell_choices(database: Database, shelf: Shelf, job_ids: Sequence[int] | None = None) -> int:
    """Write the last word on these jobs, or on all that were ever judged, into the sidecars that are here;
    returns how many pictures have none here that could be written.
    """
    left = 0
    for ids in _pages(database, job_ids):
        with database.read() as tx:
            choices = told_choices.choices_of(tx, ids)
            pictures = stored_pictures.of_jobs(tx, ids)
        for picture in pictures:
            entry = {told_choices.ENTRY: choices[picture.job_id]}
            left += not shelf.note(picture.path, sha256=picture.sha256, entries=entry)
    return left


def _pages(database: Database, job_ids: Sequence[int] | None) -> Iterator[list[int]]:
    if job_ids is not None:
        yield from (list(chunk) for chunk in chunks(list(job_ids)))
        return
    after = 0
    while True:
        with database.read() as tx:
            page = told_choices.judged_jobs(tx, after=after, limit=JOBS)
        if page:
            yield page
        if len(page) < JOBS:
            return
        after = page[-1]
