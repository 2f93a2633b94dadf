"""A part of a manifest, as `--limit` and `--sample` ask for it, and what cannot be asked of a part."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from orchestrator.core.errors import UsageError
from orchestrator.core.money import format_usd
from orchestrator.store.runs.unrequested import Unrequested


class Part(NamedTuple):
    """How much of each manifest is asked for: all, the first `limit` jobs, or `sample` of them spread over
    the axes.
    """

    limit: int | None = None
    sample: int | None = None

    @property
    def partial(self) -> bool:
        """Whether anything is left out."""
        return self.limit is not None or self.sample is not None


WHOLE: Final = Part()


def refuse_prune_of(part: Part) -> None:
    """Raise UsageError for a part: what is outside of it is not gone from the manifest."""
    if part.partial:
        raise UsageError(
            "--prune cancels the waiting jobs that are not in the whole manifest any more, so it cannot go "
            "together with --limit or --sample. Prune first, without them: orchestrator apply MANIFEST "
            "--prune. Nothing was written and nothing was spent."
        )


def refuse_others_beside_a_part(others: Sequence[Unrequested]) -> None:
    """Raise UsageError when `others` wait in the runs of a part: working on the runs would buy them with
    it.
    """
    jobs = sum(item.jobs for item in others)
    if jobs:
        wait, they = ("job waits", "It") if jobs == 1 else ("jobs wait", "They")
        raise UsageError(
            f"{jobs:,} {wait} in the same run outside of --limit or --sample, and would cost "
            f"${format_usd(sum(item.cost_micros for item in others))} more. {they} would be made with it, so "
            "it is no bound on what is spent. Run without --limit and --sample to make all; or cancel "
            "first: those that are not in the manifest any more with `orchestrator apply MANIFEST --prune`, "
            "others by their ids (`orchestrator jobs list --state pending`, `orchestrator jobs cancel ID`). "
            "Nothing was written and nothing was spent."
        )
