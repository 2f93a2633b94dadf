"""Combinations to job specs, streaming: nothing but fingerprints of what was seen is kept."""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

from orchestrator.core.specs import JobSpec, TwinSpec
from orchestrator.manifest.axes import AxisValue
from orchestrator.manifest.binding import Combination
from orchestrator.manifest.blueprint import Blueprint
from orchestrator.manifest.findings import Findings
from orchestrator.manifest.params import ParamPlan, Prepared
from orchestrator.manifest.path_claims import PathClaims
from orchestrator.manifest.raw_params import merged
from orchestrator.manifest.repeats import Repeats, explain_collisions
from orchestrator.manifest.sameness import Sameness
from orchestrator.manifest.slots import ParamsError
from orchestrator.manifest.template_problems import TemplateProblem, wrong_at
from orchestrator.manifest.turns import Turns
from orchestrator.manifest.twins import Twins
from orchestrator.manifest.unmet import explain_unmet
from orchestrator.yamlio import ProblemsError

AHEAD: Final = 32
"""How many combinations are looked ahead: enough for every processor to have a picture to decode."""

Walked = tuple[tuple[AxisValue, ...], int]


class Expansion:
    """One pass over a blueprint. `findings` says afterwards what was wrong."""

    def __init__(self, blueprint: Blueprint, *, skips: bool = False) -> None:
        self.blueprint = blueprint
        self._paths = PathClaims(blueprint.output)
        self._latest = None if blueprint.latest is None else PathClaims(blueprint.latest)
        self.findings = Findings(
            blueprint.document, self._paths.collisions, blueprint.blames.row, skips=skips
        )
        self.repeats = Repeats()  # ask for the same work, and for the same files
        self.twins = Twins()
        self.sameness = Sameness()
        self._plans: dict[int, ParamPlan] = {}
        tags = {name: bound.constant for name, bound in blueprint.tags.items() if bound.constant is not None}
        self._tags: dict[str, str] | None = tags if len(tags) == len(blueprint.tags) else None

    def specs(
        self, *, only: Collection[int] | None = None, combinations_max: int | None = None
    ) -> Iterator[JobSpec | TwinSpec]:
        """Every job in run order, or those with an ordinal in `only`, and between them the rows that want
        their pictures too. Ends early, without a word, when it is full.
        """
        blueprint = self.blueprint
        blueprint.pictures.begin_pass()
        blueprint.combinations.begin_pass()
        met = [0]
        variations = blueprint.variations
        last = max(only, default=-1) if only is not None else None
        complete, number = True, -1
        try:
            turns = Turns(blueprint.combinations, blueprint.cover)
            walk = blueprint.combinations.walk(met)
            for number, (values, bits) in enumerate(walk if only is not None else self._ahead(walk)):
                first = number * variations
                if (last is not None and first > last) or number == combinations_max or self.findings.full:
                    complete = False
                    break
                turn = turns.first_round(values)
                yield from self._combination(values=values, bits=bits, first=first, turn=turn, only=only)
        except ProblemsError as error:  # a row of a table
            self.findings.foreign += error.problems
            complete = False
        explain_collisions(
            self.findings,
            blueprint.combinations,
            output=blueprint.output,
            columns=blueprint.output_columns,
            variations=variations,
        )
        if not self.findings:
            yield from self._first_rows()
        if complete and only is None:
            axes = blueprint.combinations.axes
            explain_unmet(self.findings, blueprint.conditions, axes, met=met[0])
            if number < 0 and not self.findings:
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
        for variation in range(1, blueprint.variations + 1):
            ordinal = first + variation - 1
            if only is not None and ordinal not in only:
                continue
            combination = Combination(blueprint.constants, values, {"variation": variation})
            try:
                if prepared is None or plan.own:
                    prepared = plan.prepare(combination)
                    self._tell(prepared, values)
                spec = self._spec(
                    combination=combination,
                    prepared=prepared,
                    ordinal=ordinal,
                    variation=variation,
                    turn=turn[0] + (variation - 1) * turn[1],
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
        return specs

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
            self.sameness.merge(first, self.blueprint.labels.pairs(combination.values))
            if not self._paths.share(paths, ordinal, first):
                self.repeats.add(first, tuple(combination.values))
                return None
            self.twins.add(first, combination.values, paths)
            return TwinSpec(key, paths)
        self._paths.claim(paths, ordinal)
        combination.bind(index=0)
        latest = self._stable(combination, prepared.images, ordinal) if self._latest else ()
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
            tags=self._tags if self._tags is not None else self._render_tags(combination),
            axes=self.blueprint.labels.pairs(combination.values),
            round=turn,
            latest_paths=latest,
        )

    def _stable(self, combination: Combination, images: int, ordinal: int) -> tuple[str, ...]:
        """The stable names of a job; raises ParamsError, also for one that another job has."""
        assert self._latest is not None
        try:
            paths = self._latest.render(combination, images)
        except TemplateProblem as error:
            raise ParamsError([wrong_at(("latest",), error)]) from None
        taken = len(self._latest.collisions)
        self._latest.claim(paths, ordinal)
        if len(self._latest.collisions) > taken:
            shared = TemplateProblem(
                f'another job has the stable name "{paths[0]}" too', "add what tells them apart"
            )
            raise ParamsError([wrong_at(("latest",), shared)])
        return paths

    def _first_rows(self) -> Iterator[TwinSpec]:
        """The rows that shared jobs are made from, by walking again: their names are wanted like those of the
        others, should the run have the job from another row.
        """
        wanted, variations = self.twins.firsts, self.blueprint.variations
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
                    yield self._first_row(values, bits, ordinal, variation=variation)
                except ParamsError as error:  # a picture has changed since the walk before
                    self.findings.params(error, values, jobs=1)

    def _first_row(
        self, values: tuple[AxisValue, ...], bits: int, ordinal: int, *, variation: int
    ) -> TwinSpec:
        combination = Combination(self.blueprint.constants, values, {"variation": variation})
        prepared = self._plans[bits].prepare(combination)
        key = prepared.stem.key(variation)
        combination.bind(key=key, number=ordinal + 1, ext=prepared.extension, index=0)
        paths = self._paths.render(combination, prepared.images)
        self.twins.name_first(ordinal, values, paths)
        return TwinSpec(key, paths, first=True)

    def _render_tags(self, combination: Combination) -> dict[str, str]:
        try:
            return {name: bound.text(combination) for name, bound in self.blueprint.tags.items()}
        except TemplateProblem as error:
            raise ParamsError([wrong_at(("tags",), error)]) from None
