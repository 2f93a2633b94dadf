"""Caps and limits in force are what was said by somebody who may: no file loosens or removes what another has
said, and nobody's default is a word."""

from collections.abc import Mapping
from dataclasses import dataclass

from .money import Cap, MoneyChecks
from .scene import Scene


@dataclass
class Said:
    """The word in force over one cap, in micros; a person's with the strictest file's word that he knew."""

    micros: int
    by_person: bool = False
    known: int | None = None


class WordChecks:
    """Follows every word on a cap, and compares."""

    def __init__(self, scene: Scene, money: MoneyChecks) -> None:
        self._scene = scene
        self._money = money
        self._said: dict[Cap, Said] = {}
        self._files: dict[Cap, int] = {}
        self._limits: dict[str, int] = {}

    def person_says(self, key: Cap, micros: int) -> int | None:
        """A person sets a cap; returns the strictest word of a file on it so far."""
        known = self._files.get(key)
        self._set(key, Said(micros, by_person=True, known=known))
        return known

    def file_says(self, key: Cap, micros: int) -> None:
        """A command brings a file's word on a cap: it counts when nobody has said anything, or when it is
        stricter than all that was known before."""
        stands = self._said.get(key)
        self._files[key] = min(micros, self._files.get(key, micros))
        if (
            stands is None
            or micros < stands.micros
            and not (stands.by_person and stands.known is not None and micros >= stands.known)
        ):
            self._set(key, Said(micros))

    def file_limits(self, numbers: Mapping[str, int]) -> None:
        """A command brings a file's words on limits: no person sets any, so the strictest is in force."""
        for name, number in numbers.items():
            self._limits[name] = min(number, self._limits.get(name, number))

    def as_said(self) -> None:
        """Nothing else is in force than what was said."""
        scene = self._scene
        stored = {
            (row["scope"], row["scope_id"], row["window"]): row["cap_micros"]
            for row in scene.rows('SELECT scope, scope_id, "window", cap_micros FROM budgets')
        }
        said = {key: word.micros for key, word in self._said.items()}
        scene.expect(stored == said, "caps", f"in force are {stored}, said was {said}")
        for row in scene.rows("SELECT concurrency, submits_per_minute FROM limits"):
            stands = dict(row)
            scene.expect(stands == self._limits, "limits", f"in force are {stands}, said was {self._limits}")

    def _set(self, key: Cap, word: Said) -> None:
        before = self._said.get(key)
        if before is not None and word.micros < before.micros:
            self._money.lowered.add(key)
        self._said[key] = word
        self._money.caps[key] = word.micros
