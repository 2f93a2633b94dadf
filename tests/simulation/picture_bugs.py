"""Bugs planted where pictures are copied and kept aside."""

from dataclasses import replace

from orchestrator.ports import StoredArtifact
from orchestrator.store.attempts import endings
from orchestrator.worker.pipeline.copies import Copies

from .money_bugs import Patch


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
