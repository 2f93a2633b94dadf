"""The rows that shared jobs are made from, by walking again: their names are wanted like those of the others,
should the run have the job from another row.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.core.specs import TwinSpec
from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.findings import Findings
from orchestrator.manifest.expanding.job_texts import JobTexts
from orchestrator.manifest.expanding.stage_jobs import SourceRow, StageJobs
from orchestrator.manifest.expanding.twins import Twins
from orchestrator.manifest.parameters.binding import Combination
from orchestrator.manifest.parameters.params import ParamPlan
from orchestrator.manifest.parameters.slots import ParamsError


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The end of one pass, which has left its `plans` and found its `twins`."""

    blueprint: Blueprint
    plans: Mapping[int, ParamPlan]
    texts: JobTexts
    twins: Twins
    findings: Findings
    stages: StageJobs | None

    def walk(self) -> Iterator[TwinSpec]:
        """The first row of each job that has twins."""
        variations, firsts = self.blueprint.variations, self.twins.firsts
        wanted = {self.stages.root(at) for at in firsts} if self.stages else firsts
        left = len(wanted)
        for number, (values, bits) in enumerate(self.blueprint.combinations.walk()):
            if not left:
                return
            for variation in range(1, variations + 1):
                ordinal = number * variations + variation - 1
                if ordinal not in wanted:
                    continue
                left -= 1
                try:
                    yield from self._of(values, bits, ordinal, variation=variation)
                except ParamsError as error:  # a picture has changed since the walk before
                    self.findings.params(error, values, jobs=1)

    def _of(
        self, values: tuple[AxisValue, ...], bits: int, ordinal: int, *, variation: int
    ) -> Iterator[TwinSpec]:
        combination = Combination(self.blueprint.constants, values, {"variation": variation})
        prepared = self.plans[bits].prepare(combination)
        key = prepared.stem.key(variation)
        if ordinal in self.twins.firsts:
            combination.bind(key=key, number=ordinal + 1, ext=prepared.extension, index=0)
            paths = self.texts.paths.render(combination, prepared.images)
            self.twins.name_first(ordinal, values, paths)
            yield TwinSpec(key, paths, first=True)
        if self.stages is not None:
            row = SourceRow(
                values=values,
                key=key,
                ordinal=ordinal,
                variation=variation,
                images=prepared.images,
                turn=0,
            )
            yield from self.stages.first_rows(row, self.twins.firsts)
