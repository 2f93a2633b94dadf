"""A lane: jobs of one run that are priced alike, with what is in force over them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.money import format_usd
from orchestrator.store.account.pauses import Pause
from orchestrator.store.claiming.chains import NOTHING_KEPT, Kept, LanePart
from orchestrator.store.money.caps import BalanceKey, Cap

NOTHING_TAKEN: Final[Mapping[BalanceKey, int]] = {}


@dataclass(slots=True)
class Lane:
    """Jobs of one run that are priced by the same inputs, with what is in force over them."""

    id: int
    run_id: int
    run: str  # campaign/name/run
    campaign_id: int
    model: str
    price_digest: str
    list_micros: int
    price_micros: int
    priority: int
    weight: int  # of the campaign
    served: int  # the campaign's position in the fair share
    ready: bool = True  # some job is ready, not only due later
    gated: bool = False  # only the canary of its run is claimed
    behind: bool = False  # it waits for canary jobs of other lanes
    finish_by: int | None = None  # ms; nothing of its run is submitted after this
    pauses: Sequence[Pause] = ()  # oldest first
    caps: Sequence[Cap] = ()
    chained: bool = False  # money is kept for what follows from its jobs
    part: LanePart = LanePart.ALL
    follow_micros: int = 0  # what follows from the next job, where that begins a chain
    kept: Kept = NOTHING_KEPT  # for chains that were begun, which its jobs must leave

    def blockers(
        self, taken: Mapping[BalanceKey, int] = NOTHING_TAKEN, follow_micros: int | None = None
    ) -> list[Cap]:
        """The caps that do not admit one more job after what was `taken` under each since they were read;
        `follow_micros` is what follows from that job, where it is not the next one.
        """
        asked = self.price_micros + (self.follow_micros if follow_micros is None else follow_micros)
        return [
            cap
            for cap in self.caps
            if cap.remaining_micros
            - self.kept.under(cap.scope, cap.scope_id)
            - (taken.get(cap.key, 0) if taken else 0)
            < asked
        ]

    @property
    def claimable(self) -> bool:
        """Whether nothing stops its next job."""
        return not self.pauses and not self.behind and not self.blockers()

    @property
    def movable(self) -> bool:
        """Whether it goes on by itself, now or when its last pause ends."""
        if self.behind:
            return False
        return all(pause.until is not None for pause in self.pauses) and not self.blockers()

    def kept_words(self, cap: Cap) -> str:
        """What of a cap is kept for chains that were begun, as a part of a sentence; or nothing."""
        micros = self.kept.under(cap.scope, cap.scope_id)
        kept = "is kept for what follows from jobs that were begun"
        return f", and ${format_usd(micros)} {kept}" if micros else ""

    @property
    def cost_words(self) -> str:
        """What its next job asks of the caps."""
        follow = f", and ${format_usd(self.follow_micros)} what follows from it" if self.follow_micros else ""
        return f"${format_usd(self.price_micros)}{follow}"
