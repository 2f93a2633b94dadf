"""A manifest as it is read and compiled, before it is expanded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.catalogue import Model
from orchestrator.manifest.combining.axes import Condition
from orchestrator.manifest.combining.combinations import Combinations
from orchestrator.manifest.combining.labels import Labels
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.parameters.binding import Binder, BoundText
from orchestrator.manifest.parameters.blame import Blames
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.parameters.stages import BoundStage
from orchestrator.yamlio import Document
from orchestrator.yamlio.document import Path


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
    latest: BoundText | None
    tags: Mapping[str, BoundText]
    variations: int
    binder: Binder
    pictures: Pictures
    labels: Labels
    blames: Blames
    output_columns: Sequence[tuple[str, str]]  # axis and column that the output template uses
    used_columns: frozenset[tuple[str, str]] = frozenset()  # that any template uses
    stages: Sequence[BoundStage] = ()  # each after the one that it needs
    span: int = 0  # how many jobs of stages follow from one job of the manifest at most
    cover: int = 0  # the place of the axis whose values take turns
