"""A document to a blueprint: reads every block of a manifest and reports everything that is wrong with it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from orchestrator.catalogue import Model, get
from orchestrator.core.addresses import Nearness
from orchestrator.core.nights import Regenerate
from orchestrator.core.specs import NAME_PATTERN
from orchestrator.core.ticks import CatchUp, Dating, tick_word
from orchestrator.manifest.combining.axes import Axis, AxisValue, Source
from orchestrator.manifest.combining.combinations import Combinations
from orchestrator.manifest.combining.labels import Labels
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.inputs.pixels import PixelDigests
from orchestrator.manifest.parameters.binding import Binder
from orchestrator.manifest.parameters.blame import Blames
from orchestrator.manifest.parameters.names import Names
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.parameters.stages import StageDraft
from orchestrator.manifest.reading.axes_reader import AxesReader
from orchestrator.manifest.reading.params_reader import ParamsReader
from orchestrator.manifest.reading.stages_reader import StagesReader
from orchestrator.manifest.reading.texts_reader import OUTPUT_DEFAULT, TextsReader
from orchestrator.manifest.shapes.nights_shape import check_night
from orchestrator.manifest.shapes.shape import MANIFEST, NAME_WHAT
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.manifest.templating.templates import Template, compile_template
from orchestrator.timetable.schedule_shape import own_run_problem
from orchestrator.yamlio import Document, ProblemReport, ProblemsError
from orchestrator.yamlio.document import Path as NodePath
from orchestrator.yamlio.shapes import Reading

JOBS_MAX: Final = 5_000_000


class ManifestReader:
    """Reads one document. `fields` holds the plain keys; `blueprint()` the rest, None when it cannot be
    expanded.
    """

    def __init__(
        self,
        document: Document,
        folder: Path,
        *,
        on: Dating,
        run_key: str | None,
        jobs_max: int,
        skip_bad_rows: bool = False,
        kept: Path | None = None,
    ) -> None:
        self._kept = kept  # where digests of pixels are kept from one night to the next
        self.report = ProblemReport()
        self._document = document
        self._folder = folder
        self._jobs_max = jobs_max
        self._skip_bad_rows = skip_bad_rows
        self._reading = Reading(document, self.report)
        self.fields: dict[str, Any] = MANIFEST.read(document.root, self._reading)
        if not self.fields["retry"]:
            self.fields["retry"] = {"max_attempts": None}
        check_night(self.fields, self._reading)
        self.fields["name"] = self.fields["name"] or _name_of(Path(document.file))
        self.fields["campaign"] = self.fields["campaign"] or self.fields["name"]
        self._constants = {
            "name": self.fields["name"],
            "campaign": self.fields["campaign"],
            **self._moment(on),
        }
        self._check_budget(str(self.fields["run"]), run_key)
        self._constants["run"] = self.fields["run"] = run_key or self._run_key()

    def blueprint(self, roots: Sequence[Path], *, normalize: bool, api: Nearness) -> Blueprint | None:
        """Everything compiled; None when something that expanding needs could not be read."""
        if self.fields["model"] is None:
            return None
        model = get(self.fields["model"])
        pictures = self._pictures(model, roots, normalize=normalize, api=api)
        axes_reader = AxesReader(self.fields, self._reading, self._folder, skip_bad_rows=self._skip_bad_rows)
        axes = axes_reader.axes()
        return None if axes is None else self._compiled(model, axes_reader, axes, pictures=pictures)

    def _compiled(
        self, model: Model, axes_reader: AxesReader, axes: list[Axis], *, pictures: Pictures
    ) -> Blueprint | None:
        constants, variations = self._constants, self.fields["variations"]
        conditions = axes_reader.conditions(sources := sources_of(axes))
        added = axes_reader.additions(axes)
        names = Names(constants, sources, self._reading)
        params, *overrides = self._params(ParamsReader(model, names, self._reading))
        texts_reader = TextsReader(names, self._reading, variations=variations)
        output, latest, tags = texts_reader.whole(self.fields, OUTPUT_DEFAULT)
        own = [one for one in (params, *overrides) if one is not None]
        stages_reader = StagesReader(self.fields, self._reading, model, constants=constants)
        stages = stages_reader.read(sources, tags or {})
        raws = self._check_catch_up([*own, *[dict(stage.params) for stage in stages]])
        axes_reader.count(axes, [one[name] for one in raws if (name := model.images_param) in one], constants)
        if params is None or output is None or tags is None or added is None or None in overrides:
            return None
        for axis in axes:
            axis.conditions = [condition for _path, condition in conditions]
        axes_reader.check_size(axes, added, self._jobs_max)
        cover = axes_reader.covered(axes)
        combinations = self._combinations(axes, added)
        if combinations is None or cover is None:
            return None
        axis_of = {name: place for place, axis in enumerate(axes) for name in axis.names}
        binder, texts = Binder(constants, axis_of), _texts(output, latest, tags, stages=stages)
        jobs = combinations.size * variations
        stages_bound, span = stages_reader.bound(own, axis_of, jobs=jobs, jobs_max=self._jobs_max)
        return Blueprint(
            document=self._document,
            model=model,
            constants=constants,
            combinations=combinations,
            conditions=conditions,
            params=params,
            overrides=[one for one in overrides if one is not None],
            output=binder.text(output),
            latest=None if latest is None else binder.text(latest),
            tags={name: binder.text(template) for name, template in tags.items()},
            variations=variations,
            binder=binder,
            pictures=pictures,
            labels=Labels(axes),
            cover=cover,
            blames=Blames(binder, raws, texts),
            output_columns=_columns(output),
            used_columns=_used(texts.values(), raws),
            stages=stages_bound,
            span=span,
        )

    def _params(self, reader: ParamsReader) -> list[dict[str, RawParam] | None]:
        """Those of the manifest, then those of each override; None for what is not sound."""
        overrides = [reader.read(entry["set"]) for entry in self.fields["override"]]
        return [reader.base(self.fields["params"]), *overrides]

    def _moment(self, on: Dating) -> dict[str, str]:
        words = self.fields["schedule"]
        local = on(words.timezone if words else None)
        return {"date": local[:10], "tick": tick_word(local)}

    def _check_budget(self, written: str, run_key: str | None) -> None:
        """A budget of each tick is held by the tick's run: that must be its own."""
        words = self.fields["schedule"]
        wrong = own_run_problem(words, written) if words and run_key is None else None
        if wrong is not None:
            self._reading.wrong(("schedule", "budget"), *wrong)

    def _check_catch_up(self, raws: list[dict[str, RawParam]]) -> list[dict[str, RawParam]]:
        """Nights that ask for the same, and reuse what is there, have nothing to catch up one by one."""
        words, regenerate = self.fields["schedule"], self.fields["regenerate"]
        if words and words.catch_up is CatchUp.ALL and regenerate == Regenerate.CHANGED:
            texts = [text for raw in raws for param in raw.values() for _path, text in param.templates()]
            if not frozenset[str]().union(*(text.names for text in texts)) & {"date", "tick", "run"}:
                said = "each missed tick would ask for the same, and regenerate: changed reuses it"
                self._reading.wrong(("schedule", "catchup"), said, "write mode: latest")
        return raws

    def _pictures(self, model: Model, roots: Sequence[Path], *, normalize: bool, api: Nearness) -> Pictures:
        pixels = PixelDigests(self._kept) if self.fields["compare"] == "pixels" else None
        return Pictures(self._folder, roots, model.inputs, normalize=normalize, pixels=pixels, api=api)

    def _run_key(self) -> str:
        text = str(self.fields["run"])
        try:
            key = compile_template(text).text(self._constants)
        except TemplateProblem as error:
            hint = error.hint or "available: name, campaign, date, tick"
            self._reading.wrong(("run",), error.message, hint)
            return "main"
        if not re.fullmatch(NAME_PATTERN, key):
            self._reading.wrong(("run",), f'gives the run key "{key[:60]}"; expected {NAME_WHAT}')
            return "main"
        return key

    def _combinations(self, axes: list[Axis], added: list[tuple[AxisValue, ...]]) -> Combinations | None:
        """None when an axis is empty and nothing is added, and after a report."""
        if any(axis.size == 0 for axis in axes) and not added:
            return None
        try:
            return Combinations(
                axes=axes,
                excludes=len(self.fields["exclude"]),
                overrides=len(self.fields["override"]),
                added=added,
                without_product=bool(added) and not self.fields["matrix"] and not self.fields["zip"],
            )
        except ProblemsError as error:
            self.report.problems += error.problems
            return None


def sources_of(axes: Sequence[Axis]) -> dict[str, Source]:
    """Where the values of each name come from."""
    return {name: source for axis in axes for name, source in axis.sources.items()}


def _name_of(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:100] or "manifest"


def _columns(template: Template) -> list[tuple[str, str]]:
    """Axis and column of all that a template uses."""
    return [pair for expression in template.expressions for pair in expression.columns()]


def _texts(
    output: Template,
    latest: Template | None,
    tags: Mapping[str, Template],
    *,
    stages: Iterable[StageDraft],
) -> dict[NodePath, Template]:
    """Those beside the parameters, by their paths."""
    stable: dict[NodePath, Template] = {} if latest is None else {("latest",): latest}
    found: dict[NodePath, Template] = {("output",): output, **stable}
    found.update({("tags", name): tags[name] for name in tags})
    return found | {path: text for stage in stages for path, text in stage.templates()}


def _used(texts: Iterable[Template], raws: Iterable[Mapping[str, RawParam]]) -> frozenset[tuple[str, str]]:
    """Axis and column of all that any template uses."""
    written = (template for one in raws for raw in one.values() for _path, template in raw.templates())
    return frozenset(pair for template in (*texts, *written) for pair in _columns(template))
