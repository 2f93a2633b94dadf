"""A part of a manifest, as `--limit` and `--sample` ask for it, and what cannot be asked of a part."""

from typing import Final, NamedTuple

from orchestrator.core.errors import UsageError


class Part(NamedTuple):
    """How much of each manifest is asked for: all, the first `limit` jobs, or `sample` of them spread over
    the axes; with `unmade`, of those that have no pictures yet.
    """

    limit: int | None = None
    sample: int | None = None
    unmade: bool = False

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
