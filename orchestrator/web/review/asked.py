"""What the address of a page asks for. Anything that is off is read as not said."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

from orchestrator.core.row_ids import row_id
from orchestrator.core.states import JobState
from orchestrator.store.views.jobs.products import BEHIND_ALL, Place, ProductWish

VIEWS: Final = ("matrix", "grid")
SHOWN: Final = {
    "all": "everything",
    "unseen": "unreviewed",
    "accepted": "accepted",
    "rejected": "rejected",
    "failed": "failed",
    "waiting": "not made yet",
}
_STATES: Final = {
    "failed": (JobState.FAILED.value, JobState.CANCELLED.value),
    "waiting": (JobState.PENDING.value, JobState.RUNNING.value),
}
_VERDICTS: Final[dict[str, tuple[str | None, ...]]] = {
    "unseen": (None,),
    "accepted": ("accepted",),
    "rejected": ("rejected",),
}
WORDS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One view of a run."""

    run_id: int
    view: str = "matrix"
    show: str = "all"
    words: str = ""
    after: Place | None = None

    @classmethod
    def of(cls, run_id: int, query: Mapping[str, str]) -> "ReviewView":
        """Read an address."""
        view, show = query.get("view", ""), query.get("show", "")
        product, job = query.get("from"), query.get("job", "")
        job_id = BEHIND_ALL if job == "all" else row_id(job)
        after = None if product is None or job_id is None else Place(product.replace("\0", ""), job_id)
        return cls(
            run_id=run_id,
            view=view if view in VIEWS else VIEWS[0],
            show=show if show in SHOWN else "all",
            words=query.get("words", "").replace("\0", "").strip()[:WORDS_MAX],
            after=after,
        )

    @property
    def wish(self) -> ProductWish:
        """What to read."""
        return ProductWish(
            self.run_id,
            words=self.words,
            states=_STATES.get(self.show, ()),
            verdicts=_VERDICTS.get(self.show, ()),
        )

    def url(self, **changes: object) -> str:
        """The address of this view, or of one beside it; a change of the view begins at its start."""
        wanted = replace(self, **{"after": None, **changes})  # type: ignore[arg-type]
        said = {"view": wanted.view, "show": wanted.show, "words": wanted.words}
        found = {name: value for name, value in said.items() if value not in {"", VIEWS[0]}}
        if wanted.after is not None:
            job = "all" if wanted.after.job_id == BEHIND_ALL else str(wanted.after.job_id)
            found |= {"from": wanted.after.product, "job": job}
        return f"/review/runs/{self.run_id}" + (f"?{urlencode(found)}" if found else "")
