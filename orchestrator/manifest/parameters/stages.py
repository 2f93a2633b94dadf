"""A stage as it is read and compiled, and how many jobs stages add."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from orchestrator.catalogue import Model
from orchestrator.manifest.parameters.binding import OWN_NAMES, Binder, BoundText
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.shapes.stages_shape import PICTURES
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path

STAGE_NAMES: Final = frozenset({"picture", "stage"})
"""What templates of stages may use besides; axes of a manifest with stages cannot have these names."""

STAGE_OWN_NAMES: Final = OWN_NAMES | {"picture"}


class StageTexts(NamedTuple):
    """The templates of a stage beside its parameters."""

    output: Template
    latest: Template | None
    tags: Mapping[str, Template]


@dataclass(frozen=True)
class StageDraft:
    """A stage that was read and is sound."""

    name: str
    needs: str  # the stage whose pictures it takes; PICTURES: those that the manifest itself asks for
    accepted: bool  # only accepted ones
    params: Mapping[str, RawParam]
    texts: StageTexts

    @property
    def at(self) -> Path:
        """Where it stands in the manifest."""
        return ("stages", self.name)

    def templates(self) -> Iterator[tuple[Path, Template]]:
        """Those beside the parameters, with their paths."""
        yield (*self.at, "output"), self.texts.output
        if self.texts.latest is not None:
            yield (*self.at, "latest"), self.texts.latest
        for name, template in self.texts.tags.items():
            yield (*self.at, "tags", name), template


@dataclass(frozen=True)
class BoundStage:
    """A stage that is ready to be expanded."""

    name: str
    needs: str
    accepted: bool
    at: Path
    constants: Mapping[str, Any]
    params: Mapping[str, RawParam]
    output: BoundText
    latest: BoundText | None
    tags: Mapping[str, BoundText]
    binder: Binder


def compiled(draft: StageDraft, constants: Mapping[str, Any], axis_of: Mapping[str, int]) -> BoundStage:
    """A stage whose texts are bound to axes."""
    own = {**constants, "stage": draft.name}
    binder = Binder(own, axis_of, own=STAGE_OWN_NAMES)
    texts = draft.texts
    return BoundStage(
        name=draft.name,
        needs=draft.needs,
        accepted=draft.accepted,
        at=draft.at,
        constants=own,
        params=draft.params,
        output=binder.text(texts.output),
        latest=None if texts.latest is None else binder.text(texts.latest),
        tags={name: binder.text(template) for name, template in texts.tags.items()},
        binder=binder,
    )


class JobSpan(NamedTuple):
    """How many jobs of stages follow from one job of the manifest."""

    least: int
    most: int


def span_of(
    drafts: Sequence[StageDraft], model: Model, manifest: Sequence[Mapping[str, RawParam]]
) -> JobSpan:
    """The jobs of stages; `manifest` has the parameters of the manifest and of each of its overrides."""
    least, most = 0, 0
    made = {PICTURES: _images(model, manifest)}
    for draft in drafts:
        needed, own = made[draft.needs], _images(model, [draft.params])
        least, most = least + needed.least, most + needed.most
        made[draft.name] = JobSpan(needed.least * own.least, needed.most * own.most)
    return JobSpan(least, most)


def _images(model: Model, params: Iterable[Mapping[str, RawParam]]) -> JobSpan:
    """How many pictures a job gives: what is written, or anything that the model makes for a template."""
    parameter = model.by_name[model.count_param]
    counts: list[int] = []
    for number, one in enumerate(params):
        value = one[model.count_param].value if model.count_param in one else None
        if isinstance(value, Template):
            counts += [parameter.minimum, parameter.maximum]
        elif isinstance(value, int):
            counts.append(value)
        elif number == 0:
            counts.append(model.images({}))
    return JobSpan(min(counts), max(counts))
