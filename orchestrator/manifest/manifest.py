"""A manifest: declared work, ready to be expanded."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from orchestrator.core.addresses import Nearness
from orchestrator.core.errors import UsageError
from orchestrator.core.nights import Regenerate
from orchestrator.core.specs import NAME_PATTERN, JobSpec, RunSpec, TwinSpec
from orchestrator.core.ticks import Dating, ScheduleWords, dated
from orchestrator.manifest.bad_rows import LeftOut, leave_out_bad_rows, left_out, notes
from orchestrator.manifest.combining.odd_cells import odd_cells
from orchestrator.manifest.combining.sample import spread
from orchestrator.manifest.expanding.blueprint import Blueprint
from orchestrator.manifest.expanding.expand import Expansion
from orchestrator.manifest.inputs.picture_words import said
from orchestrator.manifest.parameters.stages import BoundStage
from orchestrator.manifest.reading.reader import JOBS_MAX, ManifestReader
from orchestrator.manifest.reading.run_spec import run_spec
from orchestrator.manifest.shapes.nights_shape import night_words
from orchestrator.manifest.shapes.shape import NAME_WHAT
from orchestrator.yamlio import Problem, ProblemsError, load

if TYPE_CHECKING:
    from orchestrator.manifest.combining.labels import Pairs

PREVIEW_MAX: Final = 20_000  # combinations checked for further problems when the text has some already


def load_manifest(
    path: Path,
    *,
    input_roots: Sequence[Path] = (),
    today: str | Dating,
    run_key: str | None = None,
    max_attempts: int | None = None,
    jobs_max: int = JOBS_MAX,
    normalize: bool = False,
    api: Nearness = Nearness.LOOPBACK,
    skip_bad_rows: bool = False,
    regenerate: Regenerate | None = None,
    now_ms: int = 0,
    timezone: str = "UTC",
    kept: Path | None = None,
) -> "Manifest":
    """Read a manifest; raises ProblemsError with everything that is wrong with it.

    `today` is the ISO date behind `{{ date }}`, or what knows the moment in each zone; `run_key` replaces the
    manifest's own; `max_attempts` is for a manifest that names none. Local pictures may come from the
    manifest's folder and from `input_roots`, and with `normalize` those that the model does not take are
    converted; URLs have to be in reach of a provider that is as near as `api`. More than `jobs_max` jobs are
    refused. `skip_bad_rows` leaves out rows that something is wrong with, and tells which in `left_out`.
    `regenerate` is said instead of the manifest's own word; `now_ms` and `timezone` are for `finish_by`. In
    `kept` digests of pixels are found again.
    """
    if run_key is not None and not re.fullmatch(NAME_PATTERN, run_key):
        raise UsageError(f"the run key {run_key!r} cannot be used; expected {NAME_WHAT}")
    document = load(path)
    folder = path.resolve().parent if path.is_symlink() else path.parent
    on = dated(today) if isinstance(today, str) else today
    reader = ManifestReader(
        document,
        folder,
        on=on,
        run_key=run_key,
        jobs_max=jobs_max,
        skip_bad_rows=skip_bad_rows,
        kept=kept,
    )
    blueprint = reader.blueprint(input_roots, normalize=normalize, api=api)
    if reader.report.problems or blueprint is None:
        raise ProblemsError([*reader.report.problems, *_further(blueprint)])
    if skip_bad_rows:
        leave_out_bad_rows(blueprint)
    fields, schedule = reader.fields, reader.fields["schedule"]
    zone = schedule.timezone if schedule else timezone
    night = night_words(fields, regenerate, now_ms=now_ms, timezone=zone)
    spec = run_spec(path, fields, document.digest, max_attempts=max_attempts)
    return Manifest(path, replace(spec, **night), blueprint, schedule=schedule)


def _further(blueprint: Blueprint | None) -> list[Problem]:
    """What expanding finds besides problems of the text: one run of the command should report all of it."""
    if blueprint is None:
        return []
    expansion = Expansion(blueprint)
    for _spec in expansion.specs(combinations_max=PREVIEW_MAX):
        pass
    return expansion.findings.problems()


class Manifest:
    """Declared work. `jobs()` expands it, as often as wanted, always alike."""

    def __init__(
        self, path: Path, spec: RunSpec, blueprint: Blueprint, *, schedule: ScheduleWords | None = None
    ) -> None:
        self.path = path
        self.spec = spec
        self.schedule = schedule  # when it is made by itself, if it says so
        self.warnings: list[str] = []
        self.merged: Mapping[int, Pairs] = {}  # ordinals of jobs of several rows: what all those rows have
        self._blueprint = blueprint

    @property
    def left_out(self) -> list[LeftOut]:
        """The rows of its tables that it does not use, and why."""
        return left_out(self._blueprint.combinations.axes)

    @property
    def size(self) -> int:
        """How many jobs there are at most, without those of stages: before exclusion and before equal ones
        are merged.
        """
        return self._blueprint.combinations.size * self._blueprint.variations

    @property
    def shape(self) -> list[tuple[str, int]]:
        """Every axis with the number of its values, in written order; a zip group is one. Where there are
        only added combinations, the values are theirs.
        """
        found = self._blueprint.combinations
        return [
            (
                " + ".join(axis.names),
                axis.size or len({repr(values[place].bindings) for values in found.added}),
            )
            for place, axis in enumerate(found.axes)
        ]

    @property
    def besides(self) -> str:
        """What makes the number of combinations another than the product of the axes, in words."""
        found = self._blueprint.combinations
        added = len(found.added) if any(axis.size for axis in found.axes) else 0
        return (" less what is excluded" if self._blueprint.document.data.get("exclude") else "") + (
            f" and {added:,} added" if added else ""
        )

    @property
    def stages(self) -> Sequence[BoundStage]:
        """What follows from its pictures: each stage after the one that it needs."""
        return self._blueprint.stages

    def root(self, ordinal: int) -> int:
        """The ordinal of its own job that a job of a stage follows from, or is."""
        size, span = self.size, self._blueprint.span
        return ordinal if ordinal < size else (ordinal - size) // span

    @property
    def variations(self) -> int:
        """How often each combination is asked for."""
        return self._blueprint.variations

    @property
    def cover(self) -> str:
        """The axis whose values are products; empty when there is none."""
        axes = self._blueprint.combinations.axes
        return self.spec.settings.get("cover") or (axes[self._blueprint.cover].names[0] if axes else "")

    @property
    def tables(self) -> list[Path]:
        """The files of rows behind its axes."""
        axes = self._blueprint.combinations.axes
        sources = [source for axis in axes for source in axis.sources.values()]
        return [source.table.path for source in sources if source.table is not None]

    @property
    def lines(self) -> dict[str, int]:
        """The line of each parameter that is written, where an override writes it the last of those."""
        found = {}
        for params in (self._blueprint.params, *self._blueprint.overrides):
            found.update(
                {name: self._blueprint.document.node(raw.path).mark.line for name, raw in params.items()}
            )
        for stage in self._blueprint.stages:
            for name, raw in stage.params.items():
                found[f"{stage.name}.{name}"] = self._blueprint.document.node(raw.path).mark.line
        return found

    def fixed(self, name: str) -> Any:
        """The value of a parameter that is the same for all jobs, as written; None when it is not, or is
        not written, or where stages have parameters of their own.
        """
        found = self._blueprint.params.get(name)
        if found is None or self._blueprint.stages or any(name in one for one in self._blueprint.overrides):
            return None
        return None if any(True for _ in found.templates()) else found.value

    def jobs(self, *, limit: int | None = None, sample: int | None = None) -> Iterator[JobSpec]:
        """The job specs of `entries`."""
        return (entry for entry in self.entries(limit=limit, sample=sample) if isinstance(entry, JobSpec))

    def entries(
        self, *, limit: int | None = None, sample: int | None = None, among: Sequence[int] | None = None
    ) -> Iterator[JobSpec | TwinSpec]:
        """Job specs in run order: all, the first `limit`, or `sample` of them spread over the axes; between
        them the rows that share a job, and after each what follows from it. `among` is not 0 for each ordinal
        that may be one of a part: parts are of the manifest's own jobs.

        An ordinal is the same with and without `limit` and `sample`; ordinals of merged jobs are left out.
        Raises ProblemsError with everything that was found (it stops at a hundred); nothing is
        yielded after the first problem. `params` and `local_images` of specs may be shared: treat them as
        read-only.
        """
        only = None
        if sample is not None:
            only = spread(self._blueprint.combinations, self._blueprint.variations, sample, among=among)
        elif limit is not None and among is not None:
            only = set(islice((at for at, may in enumerate(among) if may), limit))
        expansion = Expansion(self._blueprint)
        yield from expansion.specs(only=only, limit=limit)
        expansion.findings.raise_if_any(complete=not expansion.findings.full)
        self._keep_warnings(expansion)

    def keep_pixels(self) -> None:
        """Keep what was decoded to compare pictures, so that the next night need not."""
        if self._blueprint.pictures.pixels is not None:
            self._blueprint.pictures.pixels.save()

    def check(self) -> None:
        """Expand everything once; raises ProblemsError with everything that was found."""
        for _spec in self.jobs():
            pass

    def _keep_warnings(self, expansion: Expansion) -> None:
        self.merged = expansion.sameness.merged
        found = list(expansion.findings.warnings)
        blueprint = self._blueprint
        found += [f"{self.path}: {note}" for note in notes(blueprint.combinations.axes)]
        odd = odd_cells(blueprint.combinations.axes, blueprint.used_columns)
        found += [f"{self.path}: {words}" for words in odd]
        if words := expansion.repeats.words(blueprint.combinations, blueprint.variations):
            found.append(f"{self.path}: {words}")
        if words := expansion.twins.words():
            found.append(f"{self.path}: {words}")
        pictures = self._blueprint.pictures
        sentences = said(
            expansion.findings.remarks,
            self._blueprint.model.inputs,
            converted=pictures.converted,
            normalize=pictures.normalize,
        )
        self.warnings = found + [f"{self.path}: {sentence}" for sentence in sentences]
