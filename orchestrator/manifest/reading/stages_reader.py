"""The stages of a manifest: read, checked, and put in an order in which each comes after what it needs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from orchestrator.catalogue import Model, all_models
from orchestrator.core.specs import PICTURE
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.combining.axes import Source
from orchestrator.manifest.parameters.names import Names
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.parameters.slots import NOT_TAKEN, TAKEN_TWICE
from orchestrator.manifest.parameters.stages import (
    STAGE_NAMES,
    BoundStage,
    StageDraft,
    StageTexts,
    compiled,
    span_of,
)
from orchestrator.manifest.reading.params_reader import ParamsReader
from orchestrator.manifest.reading.texts_reader import STAGE_OUTPUT_DEFAULT, TextsReader
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path
from orchestrator.yamlio.shapes import Reading

SPAN_MAX: Final = 10_000
"""So many jobs may follow from one job of the manifest: no chain that is meant comes near it."""


class StagesReader:
    """Reads `stages` and `reserve`; what is wrong is reported, and left out of what is given."""

    def __init__(
        self, fields: Mapping[str, Any], reading: Reading, model: Model, *, constants: Mapping[str, Any]
    ) -> None:
        self._fields = fields
        self._stages: Mapping[str, Mapping[str, Any]] = fields["stages"]
        self._reading = reading
        self._model = model
        self._constants = constants
        self._drafts: Sequence[StageDraft] = ()
        if fields["reserve"] == "chain" and not self._stages:
            reading.wrong(("reserve",), "keeps money for stages, and there are none", "add `stages:`")

    def read(self, sources: Mapping[str, Source], tags: Mapping[str, Template]) -> list[StageDraft]:
        """The stages that are sound and whose pictures come from sound ones, each after what it needs;
        `tags` are those of the manifest.
        """
        if self._stages:
            self._check_axes(sources)
        needs = self._needs()
        drafts = {
            name: self._draft(name, needs[name], sources, tags=tags) for name in self._stages if name in needs
        }
        ordered: list[StageDraft] = []
        made = {PICTURES}
        while found := [
            draft for name, draft in drafts.items() if draft and name not in made and draft.needs in made
        ]:
            ordered += found
            made |= {draft.name for draft in found}
        self._drafts = ordered
        return ordered

    def bound(
        self,
        params: Sequence[Mapping[str, RawParam]],
        axis_of: Mapping[str, int],
        *,
        jobs: int,
        jobs_max: int,
    ) -> tuple[list[BoundStage], int]:
        """The stages that were read, ready to be expanded, and how many of their jobs follow from one job of
        the manifest at most. Too many are refused: `params` are those of the manifest, and of each override;
        `jobs` how many it asks for itself.
        """
        if not self._drafts:
            return [], 0
        span = span_of(self._drafts, self._model, params)
        if span.most > SPAN_MAX:
            what = f"up to {span.most:,} jobs would follow from each job of the manifest"
            hint = f"fewer stages one after another, or {self._model.count_param} as a plain number"
            self._reading.wrong(("stages",), f"{what}; at most {SPAN_MAX:,} are taken", hint, at_key=True)
            return [], 0
        if jobs <= jobs_max < (whole := jobs * (1 + span.least)):
            what = f"with what follows from each of {jobs:,} jobs these are {whole:,}"
            self._reading.wrong(("stages",), f"{what}; at most {jobs_max:,} are accepted", at_key=True)
        return [compiled(draft, self._constants, axis_of) for draft in self._drafts], span.most

    def _check_axes(self, sources: Mapping[str, Source]) -> None:
        for name in sorted(STAGE_NAMES & sources.keys()):
            block = "matrix" if name in self._fields["matrix"] else "zip"
            path: Path = (block, name) if name in self._fields[block] else ("add",)
            message = f'where there are stages, templates use "{name}" already'
            self._reading.wrong(path, message, "give the axis another name", at_key=True)

    def _needs(self) -> dict[str, str]:
        """What each stage needs, without those that name nothing that is there or go in a circle."""
        names = [name for name in self._stages if name != PICTURES]
        found: dict[str, str] = {}
        above = PICTURES
        for name in names:
            needed = self._stages[name]["needs"] or above
            above = name
            if needed in (PICTURES, *names):
                found[name] = needed
                continue
            known = [PICTURES, *(other for other in names if other != name)]
            message = f'there is no stage "{needed}"; expected {listed(known)}'
            self._reading.wrong(("stages", name, "needs"), message, did_you_mean(needed, known))
        return {name: needed for name, needed in found.items() if not self._in_circle(name, found)}

    def _in_circle(self, name: str, needs: Mapping[str, str]) -> bool:
        """Whether a stage needs itself in the end; it is reported."""
        way = [name]
        while (needed := needs.get(way[-1])) is not None and needed not in way:
            way.append(needed)
        if needed != name:
            return False
        words = " -> ".join([*way, name])
        said = "needs itself" if len(way) == 1 else f"needs itself in the end: {words}"
        path: Path = ("stages", name, "needs")
        where = path if self._stages[name]["needs"] else ("stages", name)
        hint = f"one of them must need `{PICTURES}`, or a stage outside of the circle"
        self._reading.wrong(where, said, hint if len(way) > 1 else f"write `needs: {PICTURES}`")
        return True

    def _draft(
        self, name: str, needs: str, sources: Mapping[str, Source], *, tags: Mapping[str, Template]
    ) -> StageDraft | None:
        """None when anything that expanding needs is not sound."""
        fields, at = self._stages[name], ("stages", name)
        names = Names(self._constants, sources, self._reading, stage=name)
        texts = TextsReader(names, self._reading, variations=self._fields["variations"], at=at)
        self._check_model(fields["model"], at)
        params = self._params(fields["params"], names, at)
        output, latest, own_tags = texts.whole(fields, STAGE_OUTPUT_DEFAULT)
        if fields["latest"] is not None and fields["latest"] == fields["output"]:
            self._reading.wrong((*at, "latest"), "is the same as `output`", "give it a folder of its own")
        if params is None or output is None or own_tags is None:
            return None
        found = StageTexts(output, latest, {**tags, **own_tags})
        return StageDraft(name, needs, accepted=fields["take"] == "accepted", params=params, texts=found)

    def _check_model(self, written: str | None, at: Path) -> None:
        known = [model.id for model in all_models()]
        if written is None or written == self._model.id:
            return
        path = (*at, "model")
        if written not in known:
            message = f'expected a model we know ({listed(known)}), got "{written}"'
            self._reading.wrong(path, message, did_you_mean(written, known))
            return
        hint = f"write {self._model.id}, or leave it out"
        self._reading.wrong(path, "a stage is made by the model of its manifest so far", hint)

    def _params(self, nodes: Any, names: Names, at: Path) -> dict[str, RawParam] | None:
        """The parameters; without images, the picture that it takes is the only one."""
        if nodes is None:
            return None
        model, path = self._model, (*at, "params")
        raw = ParamsReader(model, names, self._reading).whole(nodes, path, given={model.images_param})
        if raw is None:
            return None
        images = raw.setdefault(model.images_param, RawParam(path, [PICTURE]))
        items = images.value if isinstance(images.value, list) else []
        if items and not any(isinstance(item, Template) for item in items) and items.count(PICTURE) != 1:
            places = [at for at, item in enumerate(items) if item == PICTURE]
            where = (*images.path, places[1]) if places else images.path
            self._reading.wrong(where, *(TAKEN_TWICE if places else NOT_TAKEN))
            raw[model.images_param] = RawParam(images.path, [PICTURE])
        return raw
