"""Combinations to job specs, streaming: nothing but fingerprints of what was seen is kept."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from orchestrator.core.specs import JobSpec, TwinSpec
from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.combining.labels import Pairs
from orchestrator.manifest.combining.turns import Turns
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.findings import Findings
from orchestrator.manifest.expanding.first_rows import FirstRows
from orchestrator.manifest.expanding.job_texts import JobTexts
from orchestrator.manifest.expanding.repeats import Repeats
from orchestrator.manifest.expanding.sameness import Sameness
from orchestrator.manifest.expanding.stage_collisions import explain_paths
from orchestrator.manifest.expanding.stage_jobs import SourceRow, StageJobs
from orchestrator.manifest.expanding.twins import Twins
from orchestrator.manifest.expanding.unmet import explain_unmet
from orchestrator.manifest.parameters.binding import Combination
from orchestrator.manifest.parameters.params import ParamPlan, Prepared
from orchestrator.manifest.parameters.raw_params import merged
from orchestrator.manifest.parameters.slots import ParamsError
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.yamlio import ProblemsError

AHEAD: Final = 32
"""How many combinations are looked ahead: enough for every processor to have a picture to decode."""

Walked = tuple[tuple[AxisValue, ...], int]


class Expansion:
    """One pass over a blueprint. `findings` says afterwards what was wrong."""

    def __init__(self, blueprint: Blueprint, *, skips: bool = False) -> None:
        self.blueprint = blueprint
        self._texts = JobTexts(blueprint.output, blueprint.latest, blueprint.tags)
        self._paths = self._texts.paths
        self.findings = Findings(
            blueprint.document, self._paths.collisions, blueprint.blames.row, skips=skips
        )
        self.repeats = Repeats()  # ask for the same work, and for the same files
        self.twins = Twins()
        self.sameness = Sameness(stages=bool(blueprint.stages))
        self._plans: dict[int, ParamPlan] = {}
        self._every = range(1, blueprint.variations + 1)
        self._left: int | None = None  # so many jobs of the manifest itself are still wanted
        self._stages = (
            StageJobs(
                blueprint,
                self._texts,
                self.sameness,
                twins=self.twins,
                findings=self.findings,
                tell=self._tell,
            )
            if blueprint.stages
            else None
        )
        self._stage: Pairs = (("stage", PICTURES),) if blueprint.stages else ()

    def specs(
        self,
        *,
        only: Collection[int] | None = None,
        combinations_max: int | None = None,
        limit: int | None = None,
    ) -> Iterator[JobSpec | TwinSpec]:
        """Every job in run order, or the first `limit`, or those with an ordinal in `only`; between them the
        rows that want their pictures too, and after each what follows from it. Ends early, without a word,
        when it is full.
        """
        blueprint = self.blueprint
        blueprint.pictures.begin_pass()
        blueprint.combinations.begin_pass()
        met = [0]
        variations = blueprint.variations
        last = max(only, default=-1) if only is not None else None
        complete, number = True, -1
        self._left = limit
        try:
            turns = Turns(blueprint.combinations, blueprint.cover)
            walk = blueprint.combinations.walk(met)
            for number, (values, bits) in enumerate(walk if only is not None else self._ahead(walk)):
                first = number * variations
                if self._left is not None and self._left <= 0:
                    return
                if (last is not None and first > last) or number == combinations_max or self.findings.full:
                    complete = False
                    break
                turn = turns.first_round(values)
                yield from self._combination(values=values, bits=bits, first=first, turn=turn, only=only)
        except ProblemsError as error:  # a row of a table
            self.findings.foreign += error.problems
            complete = False
        explain_paths(self.findings, blueprint, self._stages)
        if not self.findings:
            yield from self._first_rows()
        if complete and only is None:
            self._check_whole(met[0], combinations=number + 1)

    def _first_rows(self) -> Iterator[TwinSpec]:
        return FirstRows(
            blueprint=self.blueprint,
            plans=self._plans,
            texts=self._texts,
            twins=self.twins,
            findings=self.findings,
            stages=self._stages,
        ).walk()

    def _check_whole(self, met: int, *, combinations: int) -> None:
        """What only a whole walk knows: conditions that met nothing, and that nothing is left."""
        axes = self.blueprint.combinations.axes
        explain_unmet(self.findings, self.blueprint.conditions, axes, met=met)
        if not combinations and not self.findings:
            self.findings.wrong_always(
                ("exclude",), "leaves no combination at all", "exclude less, or add some with `add`"
            )

    def _ahead(self, walk: Iterator[Walked]) -> Iterator[Walked]:
        """The same walk, some steps ahead: pictures are decoded by other threads before their turn comes."""
        coming: deque[Walked] = deque()
        for values, bits in walk:
            combination = Combination(self.blueprint.constants, values, {"variation": 1})
            (self._plans.get(bits) or self._plan(bits)).look_ahead(combination)
            coming.append((values, bits))
            if len(coming) > AHEAD:
                yield coming.popleft()
        yield from coming

    def _combination(
        self,
        values: tuple[AxisValue, ...],
        bits: int,
        first: int,
        turn: tuple[int, int],
        only: Collection[int] | None,
    ) -> list[JobSpec | TwinSpec]:
        blueprint = self.blueprint
        plan = self._plans.get(bits) or self._plan(bits)
        specs: list[JobSpec | TwinSpec] = []
        prepared: Prepared | None = None
        whole = only is None and self._left is None
        for variation in self._every if whole else self._variations(first, only):
            ordinal = first + variation - 1
            combination = Combination(blueprint.constants, values, {"variation": variation})
            at = turn[0] + (variation - 1) * turn[1]
            try:
                if prepared is None or plan.own:
                    prepared = plan.prepare(combination)
                    self._tell(prepared, values)
                spec = self._spec(
                    combination=combination,
                    prepared=prepared,
                    ordinal=ordinal,
                    variation=variation,
                    turn=at,
                )
            except ParamsError as error:
                jobs = 1 if plan.own or prepared else blueprint.variations
                error.price_micros = error.price_micros or (prepared.price_micros if prepared else 0)
                self.findings.params(error, values, jobs=jobs)
                if jobs > 1:
                    break
            except TemplateProblem as error:
                micros = prepared.price_micros if prepared else 0
                self.findings.template(("output",), error, values, jobs=1, micros=micros)
            else:
                if spec is not None and not self.findings:
                    specs.append(spec)
                if self._stages is not None:
                    key, own = prepared.stem.key(variation), isinstance(spec, JobSpec)
                    row = SourceRow(
                        values, key, ordinal, variation=variation, images=prepared.images, turn=at, own=own
                    )
                    specs += self._stages.follow(row)
        return specs

    def _variations(self, first: int, only: Collection[int] | None) -> Iterable[int]:
        """Which variations of a combination are wanted, until there are enough."""
        for variation in self._every:
            if self._left == 0:
                return
            if only is None or first + variation - 1 in only:
                yield variation

    def _tell(self, prepared: Prepared, values: tuple[AxisValue, ...]) -> None:
        for remark, text in self.blueprint.pictures.take_remarks():
            self.findings.remark(remark, text, values)
        for one in prepared.warnings:
            self.findings.warn(path=one.path, message=one.message, hint=one.hint, values=values)

    def _plan(self, bits: int) -> ParamPlan:
        blueprint = self.blueprint
        sets = [one for bit, one in enumerate(blueprint.overrides) if bits >> bit & 1]
        plan = ParamPlan(
            model=blueprint.model,
            raw=merged(blueprint.params, sets),
            binder=blueprint.binder,
            pictures=blueprint.pictures,
        )
        self._plans[bits] = plan
        return plan

    def _spec(
        self, combination: Combination, prepared: Prepared, ordinal: int, variation: int, turn: int
    ) -> JobSpec | TwinSpec | None:
        """The job; a twin of an earlier one that asks for the same; None when it asks for its files too."""
        key = prepared.stem.key(variation)
        first = self.sameness.first_of(key, ordinal)
        combination.bind(key=key, number=ordinal + 1, ext=prepared.extension, index=0)
        paths = self._paths.render(combination, prepared.images)
        if first is not None:
            self.sameness.merge(first, self._pairs(combination))
            if not self._paths.share(paths, ordinal, first):
                self.repeats.add(first, tuple(combination.values))
                return None
            self.twins.add(first, combination.values, paths)
            return TwinSpec(key, paths)
        self._paths.claim(paths, ordinal)
        combination.bind(index=0)
        if self._left is not None:
            self._left -= 1
        return JobSpec(
            key=key,
            ordinal=ordinal,
            variation=variation,
            params=prepared.params,
            local_images=prepared.local_images,
            price_micros=prepared.price_micros,
            price_digest=prepared.price_digest,
            images=prepared.images,
            output_paths=paths,
            tags=self._texts.tags(combination),
            axes=self._pairs(combination),
            round=turn,
            latest_paths=self._texts.latest(combination, prepared.images, ordinal),
            model_revision=self.blueprint.model.revision,
        )

    def _pairs(self, combination: Combination) -> Pairs:
        return self.blueprint.labels.pairs(combination.values) + self._stage
