"""What a form of the review says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator.core.errors import UsageError
from orchestrator.core.row_ids import row_id
from orchestrator.core.verdicts import STARS_MAX

JOBS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ReviewForm:
    """What was sent, read leniently only where nothing is decided by it."""

    fields: Mapping[str, Any]

    def text(self, name: str, most: int) -> str:
        """The text of a field, of at most so many characters."""
        value = self.fields.get(name, "")
        found = value.replace("\0", "").replace("\r\n", "\n").strip() if isinstance(value, str) else ""
        if len(found) > most:
            raise UsageError(
                f"The {name} is {len(found):,} characters long; {most:,} are taken. Nothing was changed."
            )
        return found

    def ids(self) -> list[int]:
        """The jobs that it is about."""
        found = [row_id(word) for word in self.text("jobs", 20 * JOBS_MAX).split(",")]
        if None in found:
            raise UsageError("The form names no jobs. Nothing was changed.")
        return [each for each in dict.fromkeys(found) if each is not None][:JOBS_MAX]

    def stars(self) -> int | None:
        """How many stars; None where it says nothing of them."""
        word = self.text("stars", 3)
        if not word:
            return None
        if not (word.isascii() and word.isdigit() and int(word) <= STARS_MAX):
            raise UsageError(f"{word} is no number of stars: 0 to {STARS_MAX} are. Nothing was changed.")
        return int(word)

    def back(self) -> str:
        """Where to go then: a page of ours, whatever was sent."""
        found = urlsplit(self.text("next", 2_000))
        inside = not found.scheme and not found.netloc and found.path.startswith("/review")
        return found.geturl() if inside else "/review"
