"""The change-flood guard: how much of a manifest is other than in the run before, and who must agree.

A table that a spreadsheet saved, or a folder that was exported again, changes every key; one that could not
be read to its end loses most rows. Caps let both through. `max_changed` of the manifest does not: a person
looks.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.errors import OperatorNeededError
from orchestrator.core.money import format_usd
from orchestrator.core.specs import JobSpec
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.earlier import jobs_of_run, newest_before
from orchestrator.store.runs.runs import existing_ids


class ChangeFloodError(OperatorNeededError):
    """More has changed than the manifest allows without a person's word. Nothing was written and nothing was
    spent. `floods` are the manifests that it is about.
    """

    def __init__(self, floods: Sequence["Flood"]) -> None:
        self.floods = tuple(floods)
        said = "\n".join(f"  {flood.run}: {flood.words}" for flood in floods)
        super().__init__(
            f"More has changed than `max_changed` allows:\n{said}\n"
            "Nothing was written and nothing was spent. Look at it: orchestrator plan MANIFEST --diff\n"
            "If it is meant, say so: add --accept-changes"
        )


@dataclass(slots=True)
class Flood:
    """What of one manifest is other than in the run before; counted chunk by chunk, money at list prices."""

    run: str  # campaign/name/run
    allowed: dict[str, Any] | None = None  # {"percent": ...} or {"micros": ...}; None: anything
    previous: int | None = None  # the run before; None: there is none to compare with
    before: int = 0  # jobs of the run before
    jobs: int = 0
    seen: int = 0  # of the jobs: those that the run before has as well
    changed: int = (
        0  # to be bought, and not in the run before, or with another picture at an address or model
    )
    changed_micros: int = 0

    def add(
        self, tx: Tx, specs: Sequence[JobSpec], fresh: Sequence[JobSpec], *, differing: Collection[str] = ()
    ) -> None:
        """See some jobs go by; the `fresh` ones of them are to be bought, those with the keys `differing`
        because an https input serves another picture, or the model is another one.
        """
        self.jobs += len(specs)
        if self.previous is None:
            return
        known = existing_ids(tx, self.previous, [spec.key for spec in specs])
        self.seen += len(known)
        for spec in fresh:
            if spec.key not in known or spec.key in differing:
                self.changed += 1
                self.changed_micros += spec.price_micros

    @property
    def lost(self) -> int:
        """Jobs of the run before that nobody asks for any more."""
        return max(0, self.before - self.seen)

    @property
    def trips(self) -> bool:
        """Whether a person must agree."""
        if self.previous is None or self.allowed is None:
            return False
        if "micros" in self.allowed:
            return self.changed_micros > int(self.allowed["micros"])
        share = float(self.allowed["percent"]) / 100
        return self.changed > share * self.jobs or self.lost > share * self.before

    @property
    def words(self) -> str:
        """What has changed, beside what is allowed."""
        allowed = self.allowed or {}
        most = f"{allowed['percent']:g}%" if "percent" in allowed else f"${format_usd(allowed['micros'])}"
        return (
            f"{self.changed:,} of {self.jobs:,} jobs are new or changed "
            f"(${format_usd(self.changed_micros)}), {self.lost:,} of the {self.before:,} of the run before "
            f"are gone; allowed are {most}"
        )


def flood_of(tx: Tx | None, *, run: str, mine: int | None, owner: Any, partial: bool) -> Flood:
    """The guard of a manifest, before its first job; a part is compared with nothing."""
    if tx is None or owner.max_changed is None or partial:
        return Flood(run)
    previous = newest_before(tx, campaign=owner.campaign, name=owner.name, mine=mine)
    if previous is None:
        return Flood(run)
    return Flood(run, owner.max_changed, previous, before=jobs_of_run(tx, previous))


def refuse_floods(floods: Sequence[Flood]) -> None:
    """Raise ChangeFloodError where some guard trips."""
    if tripped := [flood for flood in floods if flood.trips]:
        raise ChangeFloodError(tripped)
