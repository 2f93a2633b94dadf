"""Bugs planted in what later stages are made of, and in the money that is kept for them."""

from orchestrator.store.claiming import chains
from orchestrator.store.claiming.chains import NOTHING_KEPT
from orchestrator.store.runs import chosen_pictures, needs

from .planting import Mutation, Patch


def flags_are_forgotten(patch: Patch) -> None:
    """A flagged picture is one like any other."""
    patch(chosen_pictures, "is_quarantined", lambda _path: False)
    genuine = chosen_pictures._stored

    class _Unflagged:
        def __init__(self, row):
            self._row = row
            self.nsfw = False

        def __getattr__(self, name):
            return getattr(self._row, name)

    def stored(tx, job_ids):
        rows = tx.conn.execute(chosen_pictures._STORED, {"ids": sorted(job_ids)}).all() if job_ids else ()
        found = genuine(tx, ())
        for row in rows:
            found.setdefault(row.job_id, []).append(_Unflagged(row))
        return found

    patch(chosen_pictures, "_stored", stored)


def nobody_has_to_accept(patch: Patch) -> None:
    """The first picture that comes is taken, also where only accepted ones are."""
    genuine = chosen_pictures._best
    patch(chosen_pictures, "_best", lambda rows, *, accepted: genuine(rows, accepted=False))


def rejected_pictures_are_kept(patch: Patch) -> None:
    """What was given stays given, whatever is said of it later, and the claim believes it."""
    genuine = needs._differing

    def differing(tx, which, ids):
        return [(row, picture) for row, picture in genuine(tx, which, ids) if picture is not None]

    patch(needs, "_differing", differing)
    patch(needs, "still_right", lambda _tx, ids: set(ids))


def pictures_are_never_given(patch: Patch) -> None:
    """Nobody tells the jobs that wait."""
    patch(needs, "_settle", lambda _tx, _which, _ids: 0)
    patch(needs, "missed", lambda _tx, _after, _most=0: ([], None))


def kept_money_is_spent(patch: Patch) -> None:
    """What is kept for chains that were begun is there for everybody."""
    patch(chains, "kept", lambda _tx: NOTHING_KEPT)


def chains_are_begun_by_their_first_price(patch: Patch) -> None:
    """A job is begun when its own price fits, whatever follows from it."""
    patch(chains, "follows", lambda _tx, job_ids: dict.fromkeys(job_ids, 0))


STAGE_BUGS = (
    Mutation("flags are forgotten", flags_are_forgotten, "staged", first=5),
    Mutation("nobody has to accept", nobody_has_to_accept, "staged", first=5),
    Mutation("rejected pictures are kept", rejected_pictures_are_kept, "staged", first=3),
    Mutation("pictures are never given", pictures_are_never_given, "staged"),
    Mutation("kept money is spent", kept_money_is_spent, "staged"),
    Mutation("chains are begun by their first price", chains_are_begun_by_their_first_price, "staged"),
)
