"""What a command was given to apply: manifests with options, or a saved plan that brings both."""

from dataclasses import dataclass
from pathlib import Path

from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.actions.planning.figures.saved_plan import SUFFIX, SavedPlan, read_saved
from orchestrator.actions.planning.walking.manifests import load_manifests
from orchestrator.app import App
from orchestrator.cli.invocation import Asked
from orchestrator.core.errors import UsageError
from orchestrator.core.nights import Regenerate
from orchestrator.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed (for hints), and what it stands for."""

    typed: Asked
    meant: Asked
    saved: SavedPlan | None = None

    def load(self, app: App) -> list[Manifest]:
        """The manifests, those of a saved plan with the date and the run keys that it was made with."""
        if self.saved is None:
            return load_manifests(
                self.meant.manifests,
                app.settings,
                app.clock.now_ms(),
                run_key=self.meant.run_key,
                skip_bad_rows=self.meant.skip_bad_rows,
                at=self.meant.at,
                regenerate=_word(self.meant.regenerate),
            )
        return [
            load_manifests(
                [path],
                app.settings,
                self.saved.made_at,
                run_key=seal.run_key,
                skip_bad_rows=self.saved.skip_bad_rows,
                at=self.saved.at,
                regenerate=_word(self.saved.regenerate),
            )[0]
            for path, seal in self.saved.seals.items()
        ]

    def refuse_drift(self, planned: Plan) -> None:
        """Raise UsageError where a saved plan is not what would be done now."""
        if self.saved is not None:
            self.saved.refuse_drift([row.content.seal for row in planned.manifests if row.content.seal])


def _word(said: str | None) -> Regenerate | None:
    return None if said is None else Regenerate(said)


def given(asked: Asked) -> Given:
    """Read a saved plan, if that is what was named."""
    if asked.unmade and asked.limit is None and asked.sample is None:
        raise UsageError("--unmade chooses which jobs --limit N or --sample N take: add one of them.")
    if not any(path.suffix == SUFFIX for path in asked.manifests):
        return Given(asked, asked)
    brought = asked.run_key is not None or asked.at is not None or asked.part.partial or asked.regenerate
    if len(asked.manifests) > 1 or brought or asked.skip_bad_rows:
        raise UsageError(
            "A saved plan brings its manifests and their options itself: name it alone. "
            "Nothing was written and nothing was spent."
        )
    saved = read_saved(asked.manifests[0])
    meant = Asked(
        tuple(Path(path) for path in saved.seals),
        None,
        saved.part.limit,
        sample=saved.part.sample,
        unmade=saved.part.unmade,
        sandbox=asked.sandbox,
    )
    return Given(asked, meant, saved)
