"""Bugs planted where pictures are copied and kept aside."""

from dataclasses import replace

from orchestrator.ports import StoredArtifact
from orchestrator.store.attempts import endings
from orchestrator.worker.pipeline.copies import Copies
from orchestrator.worker.pipeline.fetch import Fetcher

from .planting import Mutation, Patch


def copy_recorded_before_it_exists(patch: Patch) -> None:
    """The database says that a further file is there, and nobody has made it."""

    async def make(self, wanted):
        of = wanted.of
        return replace(of, path=wanted.path) if isinstance(of, StoredArtifact) else of

    patch(Copies, "_make", make)


def late_copies_are_forgotten(patch: Patch) -> None:
    """A file that is asked for once its picture is stored is never made."""
    patch(Copies, "_missing", lambda self, tx: [])


def unproven_is_dropped(patch: Patch) -> None:
    """What came of a lost output is kept in a file that no row names."""
    genuine = endings.finish

    def finish(tx, rows):
        return genuine(tx, [replace(row, unproven={}) for row in rows])

    patch(endings, "finish", finish)


def picture_is_never_lost(patch: Patch) -> None:
    """A picture that no URL ever brings is tried for ever."""
    genuine = Fetcher._is_gone

    async def is_gone(self, attempt, output, download):
        download.fresh_urls = 0
        return await genuine(self, attempt, output, download)

    patch(Fetcher, "_is_gone", is_gone)


PICTURE_BUGS = (
    Mutation(name="picture is never lost", apply=picture_is_never_lost, theme="mixed", first=34),
    Mutation("copy recorded before it exists", copy_recorded_before_it_exists, "mixed"),
    Mutation(name="late copies are forgotten", apply=late_copies_are_forgotten, theme="mixed", first=62),
    Mutation(name="unproven is dropped", apply=unproven_is_dropped, theme="mixed", first=34),
)
