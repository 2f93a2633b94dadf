"""Pictures of planned jobs that are there already, although this database has not bought them.

They were paid for by a database that is lost, by one that was restored from a backup since, or by another one
with the same output folder. A picture is the same when its sidecar names the same run and the same job key; a
file of that name with another key is another picture, and the new one gets a name beside it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from orchestrator.core.errors import OperatorNeededError
from orchestrator.core.sidecar import RunIdentity, key_of, run_of
from orchestrator.core.specs import JobSpec, RunSpec
from orchestrator.ports import KeptPicture, Shelf


@dataclass(slots=True)
class FoundPictures:
    """How many planned jobs and pictures are there already, and how many names others have."""

    jobs: int = 0
    pictures: int = 0
    cost_micros: int = 0  # what buying them once more would cost
    taken: int = 0  # planned names that are pictures of other jobs
    first: str = ""  # one of the pictures
    old: bool = False  # a sidecar of an older version, whose run only the manifest tells
    databases: set[str] = field(default_factory=set)  # that made them, as far as they are named

    def add(self, other: "FoundPictures") -> None:
        """Count those of another manifest, or of more jobs, too."""
        self.jobs += other.jobs
        self.pictures += other.pictures
        self.cost_micros += other.cost_micros
        self.taken += other.taken
        self.first = self.first or other.first
        self.old = self.old or other.old
        self.databases |= other.databases


class PicturesHereError(OperatorNeededError):
    """Planned pictures are there already, and nobody has said that they are to be bought once more."""


def find(
    shelf: Shelf | None, owner: RunSpec, specs: Sequence[JobSpec], *, accepted_before_ms: int | None = None
) -> FoundPictures:
    """Which of these jobs, none of which the database has bought, have pictures already. Reads a sidecar only
    where a name fits. With `accepted_before_ms` only those of older tasks count: the others may be what a
    worker buys for them at this moment.
    """
    found = FoundPictures()
    if shelf is None:
        return found
    run = RunIdentity(owner.campaign, owner.name, owner.run_key)
    for spec in specs:
        same = 0
        for path in spec.output_paths:
            near = [kept for kept in shelf.near(path) if _is_older(kept, accepted_before_ms)]
            mine = next((kept for kept in near if _is_same(kept, run, spec)), None)
            if mine is not None:
                same += 1
                found.first = found.first or mine.path
                found.old = found.old or run_of(mine.said or {}) is None
                found.databases |= _database(mine)
            elif near:
                found.taken += 1
        found.pictures += same
        if same:
            found.jobs += 1
            found.cost_micros += spec.price_micros
    return found


def _is_older(kept: KeptPicture, before_ms: int | None) -> bool:
    accepted = (kept.said or {}).get("accepted_at_ms")
    return before_ms is None or (isinstance(accepted, int) and accepted < before_ms)


def _is_same(kept: KeptPicture, run: RunIdentity, spec: JobSpec) -> bool:
    if kept.said is None:
        return False
    named = run_of(kept.said)
    return (named is None or named == run) and key_of(kept.said, spec.variation) == spec.key


def _database(kept: KeptPicture) -> set[str]:
    named = kept.said.get("database") if kept.said else None
    return {named} if isinstance(named, str) else set()


def makers(found: FoundPictures, own: str | None) -> str:
    """By which database, in words; `own` is the id of this one."""
    if own is not None and found.databases == {own}:
        return "made by this database before it was restored from a backup"
    if len(found.databases) > 1:
        return f"made by {len(found.databases)} other databases"
    return "made by another database"


def here_words(found: FoundPictures, images: int, own: str | None) -> str:
    """The finding as a sentence: how many of how many pictures, and whose."""
    are = "is" if images == 1 else "are"
    of = f"{found.pictures:,} of {images:,} picture{'' if images == 1 else 's'}"
    return f"{of} {are} here already, {makers(found, own)} (such as {found.first})"


def rebuild_words(found: FoundPictures) -> str:
    """The command that records them."""
    return "orchestrator db rebuild --from outputs" + (" --manifest MANIFEST" if found.old else "")


def refuse(found: FoundPictures, images: int, own: str | None) -> None:
    """Raise PicturesHereError when something is there that would be bought once more."""
    if found.jobs:
        raise PicturesHereError(
            f"{here_words(found, images, own)}. They were paid for. Nothing was written and nothing was "
            f"spent.\nRecord them, which costs nothing: {rebuild_words(found)}\n"
            "Or buy them once more, beside those that are there: add --buy-again"
        )
