"""What people and rules say of a job's pictures: a verdict, stars and a note.

| What is said | verdict | stars | note |
|---|---|---|---|
| accepted, rejected | as said | as said, or as before | as said, or none: a note is about its verdict |
| only stars or a note | as before | as said, or as before | as said, or as before |
| taken back | none | none | none |
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

STARS_MAX: Final = 5


class JobVerdict(StrEnum):
    """Whether a job's pictures are wanted."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    NONE = "none"  # nobody has said, or it was taken back


class VerdictSource(StrEnum):
    """What a verdict came through."""

    COMMAND = "command"
    PAGE = "page"
    IMPORT = "import"  # a file of verdicts that were given offline
    CHECK = "check"  # a rule of the manifest


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is said, or what stands of all that was said."""

    verdict: JobVerdict | None = None  # None: only stars or the note are said
    stars: int | None = None  # 1 to 5; 0: none; None: as before
    note: str | None = None

    @property
    def words(self) -> str | None:
        """In one line; None when it says nothing."""
        stars = f"{self.stars} star{'' if self.stars == 1 else 's'}" if self.stars else None
        verdict = self.verdict.value if self.verdict not in {None, JobVerdict.NONE} else None
        said = ", ".join(part for part in (verdict, stars) if part)
        return f"{said or 'no verdict'}: {self.note}" if self.note else said or None


UNJUDGED: Final = Opinion(JobVerdict.NONE, 0)


def plain_text(text: str) -> str:
    """What people wrote or a file holds, without halves of characters and zero bytes: no database takes
    them.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace("\0", "")


def said_over(before: Opinion, said: Opinion) -> Opinion:
    """What stands after something is said; its verdict and its stars are never None."""
    if said.verdict is JobVerdict.NONE:
        return UNJUDGED
    stars = said.stars if said.stars is not None else before.stars or 0
    if said.verdict is None:
        return Opinion(before.verdict, stars, before.note if said.note is None else said.note or None)
    return Opinion(said.verdict, stars, said.note or None)
