"""Combinations to job specs, streaming: nothing but fingerprints of what was seen is kept."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.catalogue import Model
from orchestrator.core.paths import fold
from orchestrator.core.specs import JobSpec
from orchestrator.manifest.axes import AxisValue, Condition
from orchestrator.manifest.binding import Binder, BoundText, Combination
from orchestrator.manifest.combinations import Combinations
from orchestrator.manifest.expressions import TemplateProblem
from orchestrator.manifest.findings import Findings, described
from orchestrator.manifest.fingerprints import Fingerprints
from orchestrator.manifest.input_images import Pictures
from orchestrator.manifest.outputs import path_problem
from orchestrator.manifest.params import ParamPlan, Prepared
from orchestrator.manifest.raw_params import RawParam, merged
from orchestrator.manifest.slots import ParamsError
from orchestrator.yamlio import Document, ProblemsError
from orchestrator.yamlio.document import Path

_LOW_WORD: Final = (1 << 64) - 1


@dataclass(frozen=True)
class Blueprint:
    """A manifest, read and compiled: everything that expanding needs."""

    document: Document
    model: Model
    constants: Mapping[str, Any]
    combinations: Combinations
    conditions: Sequence[tuple[Path, Condition]]  # excludes, then overrides
    params: Mapping[str, RawParam]
    overrides: Sequence[Mapping[str, RawParam]]
    output: BoundText
    tags: Mapping[str, BoundText]
    variations: int
    binder: Binder
    pictures: Pictures


class Expansion:
    """One pass over a blueprint. `findings` says afterwards what was wrong."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.findings = Findings(blueprint.document)
        self.duplicates = 0
        self._plans: dict[int, ParamPlan] = {}
        self._keys = Fingerprints()
        self._paths = Fingerprints()
        tags = {name: bound.constant for name, bound in blueprint.tags.items() if bound.constant is not None}
        self._tags: dict[str, str] | None = tags if len(tags) == len(blueprint.tags) else None

    def specs(
        self, *, only: Collection[int] | None = None, combinations_max: int | None = None
    ) -> Iterator[JobSpec]:
        """Every job in run order, or those with an ordinal in `only`. Ends early, without a word, when it
        is full.
        """
        self.blueprint.pictures.begin_pass()
        self.blueprint.combinations.begin_pass()
        met = [0]
        variations = self.blueprint.variations
        last = max(only, default=-1) if only is not None else None
        complete, number = True, -1
        try:
            for number, (values, bits) in enumerate(self.blueprint.combinations.walk(met)):
                first = number * variations
                if (last is not None and first > last) or number == combinations_max or self.findings.full:
                    complete = False
                    break
                yield from self._combination(values=values, bits=bits, first=first, only=only)
        except ProblemsError as error:  # a row of a table
            self.findings.foreign += error.problems
            complete = False
        self._explain_collisions()
        if complete and only is None:
            self._unmet(met[0])
            if number < 0 and not self.findings:
                self.findings.wrong_always(
                    ("exclude",), "leaves no combination at all", "exclude less, or add some with `add`"
                )

    def _combination(
        self, values: tuple[AxisValue, ...], bits: int, first: int, only: Collection[int] | None
    ) -> list[JobSpec]:
        blueprint = self.blueprint
        plan = self._plans.get(bits) or self._plan(bits)
        specs: list[JobSpec] = []
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
                    combination=combination, prepared=prepared, ordinal=ordinal, variation=variation
                )
            except ParamsError as error:
                self.findings.params(error, values)
                if not plan.own:
                    break
            except TemplateProblem as error:
                self.findings.wrong(("output",), error.message, error.hint, values=values)
            else:
                if spec is not None and not self.findings:
                    specs.append(spec)
        return specs

    def _tell(self, prepared: Prepared, values: tuple[AxisValue, ...]) -> None:
        for remark, text in self.blueprint.pictures.take_remarks():
            self.findings.remark(remark, text, values)
        for path, message, hint in prepared.warnings:
            self.findings.warn(path=path, message=message, hint=hint, values=values)

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
        self, combination: Combination, prepared: Prepared, ordinal: int, variation: int
    ) -> JobSpec | None:
        """The job; None when an earlier one asks for the same."""
        key = prepared.stem.key(variation)
        digest = int(key, 16)
        if self._keys.add(digest >> 64, digest) == digest & _LOW_WORD:
            self.duplicates += 1
            return None
        combination.bind(key=key, number=ordinal + 1, ext=prepared.extension, index=0)
        return JobSpec(
            key=key,
            ordinal=ordinal,
            variation=variation,
            params=prepared.params,
            local_images=prepared.local_images,
            price_micros=prepared.price_micros,
            images=prepared.images,
            output_paths=self._output_paths(combination, prepared.images, ordinal),
            tags=self._tags if self._tags is not None else self._render_tags(combination),
        )

    def _output_paths(self, combination: Combination, images: int, ordinal: int) -> tuple[str, ...]:
        output = self.blueprint.output
        if images > 1 and "index" not in output.own:
            message = f"one job gives {images} pictures, and the output template has no index"
            raise TemplateProblem(message, 'add "-{{ index }}" before the extension')
        paths: list[str] = []
        for index in range(images):
            if index:
                combination.bind(index=index)
            path = output.text(combination)
            if problem := path_problem(path):
                raise TemplateProblem(*problem)
            earlier = self._paths.add(hash(fold(path)), ordinal)
            if earlier is not None:
                self.findings.collisions.append((earlier, ordinal, path))
            paths.append(path)
        return tuple(paths)

    def _render_tags(self, combination: Combination) -> dict[str, str]:
        try:
            return {name: bound.text(combination) for name, bound in self.blueprint.tags.items()}
        except TemplateProblem as error:
            raise ParamsError([(("tags",), error.message, error.hint)]) from None

    def _explain_collisions(self) -> None:
        """Say which two combinations give the same path, by walking again: it happens once, at the end."""
        wanted = {ordinal for pair in self.findings.collisions for ordinal in pair[:2]}
        if not wanted:
            return
        found: dict[int, tuple[AxisValue, ...]] = {}
        variations = self.blueprint.variations
        for number, (values, _bits) in enumerate(self.blueprint.combinations.walk()):
            for ordinal in range(number * variations, (number + 1) * variations):
                if ordinal in wanted:
                    found[ordinal] = values
            if number * variations > max(wanted):
                break
        hint = self._missing_axes()
        for first, second, path in self.findings.collisions:
            origins = f"{described(found.get(first, ()))} and {described(found.get(second, ()))}"
            if first == second:
                origins = f"two pictures of {described(found.get(first, ())) or 'one job'}"
            message = f'two pictures would have the path "{path}" (capitals do not count): {origins}'
            self.findings.wrong_always(("output",), message, hint)

    def _missing_axes(self) -> str:
        axes = self.blueprint.combinations.axes
        missing = [
            name
            for place, axis in enumerate(axes)
            if axis.size > 1 and place not in self.blueprint.output.axes
            for name in axis.names
        ]
        if not missing:
            return "add what tells them apart, or {{ key }}"
        return f"the output template does not mention {', '.join(missing)}; add it, or {{{{ key }}}}"

    def _unmet(self, met: int) -> None:
        for bit, (path, condition) in enumerate(self.blueprint.conditions):
            if not met >> bit & 1:
                what = "excludes" if path[0] == "exclude" else "overrides"
                message = f"matches no combination, so it {what} nothing"
                self.findings.wrong(path, message, self._why_unmet(condition))

    def _why_unmet(self, condition: Condition) -> str:
        """The first name whose wanted value no value of its axis has."""
        for axis in self.blueprint.combinations.axes:
            for name, wanted in condition.wanted.items():
                if name not in axis.names:
                    continue
                alone = Condition({name: wanted})
                if not any(alone.met(value.bindings) for value in axis.values()):
                    return f"no value of {name} is like this; compare spelling and case"
        return "it may be excluded already, or the values never meet"
