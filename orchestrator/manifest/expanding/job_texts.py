"""The texts of jobs beside their parameters: paths, stable names, tags. Each path is claimed once."""

from collections.abc import Mapping
from typing import Optional

from orchestrator.manifest.expanding.path_claims import PathClaims
from orchestrator.manifest.parameters.binding import BoundText, Combination
from orchestrator.manifest.parameters.slots import ParamsError
from orchestrator.manifest.templating.template_problems import TemplateProblem, wrong_at
from orchestrator.yamlio.document import Path


class JobTexts:
    """Those of the manifest's own jobs, or of the jobs of one stage."""

    def __init__(
        self,
        output: BoundText,
        latest: BoundText | None,
        tags: Mapping[str, BoundText],
        *,
        at: Path = (),
        beside: Optional["JobTexts"] = None,
    ) -> None:
        """`at` is the path of the stage; `beside` are texts whose paths count as taken too."""
        self.at = at
        self.paths: PathClaims = PathClaims(output, beside=beside.paths if beside else None)
        self.stable_names: PathClaims = PathClaims(
            latest or output, beside=beside.stable_names if beside else None
        )
        self._has_latest = latest is not None
        self._tags = tags
        fixed = {name: bound.constant for name, bound in tags.items() if bound.constant is not None}
        self._fixed: dict[str, str] | None = fixed if len(fixed) == len(tags) else None

    def latest(self, combination: Combination, images: int, ordinal: int) -> tuple[str, ...]:
        """The stable names of a job; raises ParamsError, also for one that another job has."""
        if not self._has_latest:
            return ()
        try:
            paths = self.stable_names.render(combination, images)
        except TemplateProblem as error:
            raise ParamsError([wrong_at((*self.at, "latest"), error)]) from None
        taken = len(self.stable_names.collisions)
        self.stable_names.claim(paths, ordinal)
        if len(self.stable_names.collisions) > taken:
            shared = TemplateProblem(
                f'another job has the stable name "{paths[0]}" too', "add what tells them apart"
            )
            raise ParamsError([wrong_at((*self.at, "latest"), shared)])
        return paths

    def tags(self, combination: Combination) -> dict[str, str]:
        """The tags of a job; raises ParamsError."""
        if self._fixed is not None:
            return self._fixed
        try:
            return {name: bound.text(combination) for name, bound in self._tags.items()}
        except TemplateProblem as error:
            raise ParamsError([wrong_at((*self.at, "tags"), error)]) from None
