"""From one job of the manifest to the jobs of the stages that follow from it."""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from orchestrator.core.specs import JobSpec, Needs, TwinSpec
from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.findings import Findings
from orchestrator.manifest.expanding.job_texts import JobTexts
from orchestrator.manifest.expanding.sameness import Sameness
from orchestrator.manifest.expanding.twins import Twins
from orchestrator.manifest.parameters.binding import Combination
from orchestrator.manifest.parameters.params import ParamPlan, Prepared
from orchestrator.manifest.parameters.slots import ParamsError
from orchestrator.manifest.parameters.stages import BoundStage
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.manifest.templating.template_problems import TemplateProblem

Tell = Callable[[Prepared, tuple[AxisValue, ...]], None]
"""Takes what is worth saying of the parameters of a combination."""


class SourceRow(NamedTuple):
    """A job that the manifest itself asks for, or a row that shares one."""

    values: tuple[AxisValue, ...]
    key: str
    ordinal: int
    variation: int
    images: int
    turn: int
    own: bool = True  # the job is this row's own; not that of an earlier one


class Step(NamedTuple):
    """One job of a stage that follows from a row, before its paths are claimed."""

    stage: BoundStage
    key: str
    ordinal: int
    needs: Needs
    prepared: Prepared
    combination: Combination
    paths: tuple[str, ...]


class StageJobs:
    """The jobs of stages in one pass. Their ordinals come after all of the manifest's own, each job of which
    has room for so many as ever follow from one: an ordinal is the same whatever part is asked for.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        texts: JobTexts,
        sameness: Sameness,
        *,
        twins: Twins,
        findings: Findings,
        tell: Tell,
    ) -> None:
        """`texts` are those of the manifest's own jobs: pictures of different stages share no path either."""
        self._blueprint = blueprint
        self._size = blueprint.combinations.size * blueprint.variations
        self._sameness = sameness
        self._twins = twins
        self._findings = findings
        self._tell = tell
        self._plans = {
            stage.name: ParamPlan(
                model=blueprint.model,
                raw=stage.params,
                binder=stage.binder,
                pictures=blueprint.pictures,
                takes=True,
            )
            for stage in blueprint.stages
        }
        self.collided: dict[int, BoundStage] = {}  # whose paths another job has already, by ordinal
        self._collisions = texts.paths.collisions
        self._texts = {
            stage.name: JobTexts(stage.output, stage.latest, stage.tags, at=stage.at, beside=texts)
            for stage in blueprint.stages
        }

    def root(self, ordinal: int) -> int:
        """The ordinal of the manifest's own job that a job of a stage follows from, or is."""
        return ordinal if ordinal < self._size else (ordinal - self._size) // self._blueprint.span

    def follow(self, row: SourceRow) -> list[JobSpec | TwinSpec]:
        """What follows from a row: each job after the one that it needs. A job that an earlier row asks for
        too is a twin of that one, or nothing where its files are the same as well. Nothing at all once
        something is wrong.
        """
        found: list[JobSpec | TwinSpec] = []
        for step in self._steps(row):
            try:
                entry = self._entry(row, step)
            except ParamsError as error:
                self._findings.params(error, row.values, jobs=1)
            else:
                if entry is not None:
                    found.append(entry)
        return [] if self._findings else found

    def first_rows(self, row: SourceRow, wanted: Collection[int]) -> Iterator[TwinSpec]:
        """The names that a row has for those jobs with an ordinal in `wanted` that follow from it."""
        for step in self._steps(row):
            if step.ordinal in wanted:
                self._twins.name_first(step.ordinal, row.values, step.paths)
                yield TwinSpec(step.key, step.paths, first=True)

    def _steps(self, row: SourceRow) -> Iterator[Step]:
        made = {PICTURES: [(row.key, index) for index in range(row.images)]}
        ordinal = self._size + row.ordinal * self._blueprint.span
        for stage in self._blueprint.stages:
            pictures = made[stage.name] = list[tuple[str, int]]()
            prepared: Prepared | None = None
            for number, (source, index) in enumerate(made[stage.needs]):
                own = {"variation": row.variation, "picture": number}
                combination = Combination(stage.constants, row.values, own)
                prepared = self._prepared(stage, combination, prepared)
                if prepared is None:
                    break
                key = self._plans[stage.name].key_taking(prepared, source, index)
                pictures += [(key, at) for at in range(prepared.images)]
                paths = self._paths(stage, prepared, combination, key=key, row=row)
                if paths is not None:
                    needs = Needs(source, index, accepted=stage.accepted)
                    yield Step(
                        stage=stage,
                        key=key,
                        ordinal=ordinal,
                        needs=needs,
                        prepared=prepared,
                        combination=combination,
                        paths=paths,
                    )
                ordinal += 1

    def _prepared(
        self, stage: BoundStage, combination: Combination, before: Prepared | None
    ) -> Prepared | None:
        """The parameters of a job; those of the picture `before` where nothing in them is this one's own.
        None after a report: then nothing of the stage follows from the row.
        """
        plan = self._plans[stage.name]
        values = tuple(combination.values)
        if before is not None and not plan.own:
            return before
        try:
            prepared = plan.prepare(combination)
        except ParamsError as error:
            self._findings.params(error, values, jobs=1)
            return None
        self._tell(prepared, values)
        return prepared

    def _paths(
        self, stage: BoundStage, prepared: Prepared, combination: Combination, *, key: str, row: SourceRow
    ) -> tuple[str, ...] | None:
        """None after a report."""
        combination.bind(key=key, number=row.ordinal + 1, ext=prepared.extension, index=0)
        try:
            paths = self._texts[stage.name].paths.render(combination, prepared.images)
        except TemplateProblem as error:
            at = (*stage.at, "output")
            self._findings.template(at, error, row.values, jobs=1, micros=prepared.price_micros)
            return None
        combination.bind(index=0)
        return paths

    def _entry(self, row: SourceRow, step: Step) -> JobSpec | TwinSpec | None:
        texts, prepared = self._texts[step.stage.name], step.prepared
        labels = (*self._blueprint.labels.pairs(row.values), ("stage", step.stage.name))
        first = self._sameness.first_of(step.key, step.ordinal)
        collisions = len(self._collisions)
        if first is not None:
            self._sameness.merge(first, labels)
            shared = texts.paths.share(step.paths, step.ordinal, first)
        else:
            texts.paths.claim(step.paths, step.ordinal)
        if len(self._collisions) > collisions:
            self.collided[step.ordinal] = step.stage
        if first is not None:
            if not shared:
                return None
            self._twins.add(first, row.values, step.paths, follows=not row.own)
            return TwinSpec(step.key, step.paths)
        return JobSpec(
            key=step.key,
            ordinal=step.ordinal,
            variation=row.variation,
            params=prepared.params,
            local_images=prepared.local_images,
            price_micros=prepared.price_micros,
            price_digest=prepared.price_digest,
            images=prepared.images,
            output_paths=step.paths,
            tags=texts.tags(step.combination),
            axes=labels,
            round=row.turn,
            latest_paths=texts.latest(step.combination, prepared.images, step.ordinal),
            stage=step.stage.name,
            needs=step.needs,
            model_revision=self._blueprint.model.revision,
        )
