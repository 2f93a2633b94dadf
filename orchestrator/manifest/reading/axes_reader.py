"""Which combinations a manifest asks for: axes, what is excluded, overridden and added, and how many."""

from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path as FilePath
from typing import Any

from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.combining.axes import Axis, AxisValue, Condition, Source
from orchestrator.manifest.combining.conditions import read_addition, read_condition
from orchestrator.manifest.combining.skipping import find_files
from orchestrator.manifest.combining.sources import read_source
from orchestrator.manifest.parameters.blame import one_table
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.yamlio import Node, ProblemsError
from orchestrator.yamlio.document import Path
from orchestrator.yamlio.shapes import Reading


class AxesReader:
    """Reads the blocks about combinations from `fields`; what is wrong is reported to `reading`."""

    def __init__(
        self, fields: Mapping[str, Any], reading: Reading, folder: FilePath, *, skip_bad_rows: bool = False
    ) -> None:
        self._fields = fields
        self._skip_bad_rows = skip_bad_rows
        self._reading = reading
        self._folder = folder
        self._sources: dict[str, Source] = {}

    def axes(self) -> list[Axis] | None:
        """Axes of the matrix, then the zip group as one; None when any could not be read."""
        matrix, zipped = self._fields["matrix"], self._fields["zip"]
        sources = {
            name: read_source(node, self._reading, self._folder)
            for name, node in [*matrix.items(), *zipped.items()]
        }
        for name in zipped:
            if name in matrix:
                self._reading.wrong(("zip", name), "the name is an axis of the matrix already", at_key=True)
                return None
        if None in sources.values():
            return None
        self._sources = {name: source for name, source in sources.items() if source is not None}
        read = {name: source for name, source in sources.items() if source is not None}
        axes = [Axis({name: read[name]}) for name in matrix]
        if zipped:
            axes.append(Axis({name: read[name] for name in zipped}))
        if not axes and self._fields["add"]:
            first = self._fields["add"][0]
            axes = [Axis({name: _free(node)}) for name, node in first.items()]
        return axes

    def _find_files(self, images: Sequence[RawParam], constants: Mapping[str, Any]) -> None:
        """Let the rules about missing files know which pictures the manifest makes of a column."""
        templates = [template for raw in images for _path, template in raw.templates()]
        for name, source in self._sources.items():
            if source.rules:
                find_files(
                    source.rules,
                    axis=name,
                    templates=templates,
                    constants=constants,
                    folder=self._folder,
                    reading=self._reading,
                )

    def count(self, axes: list[Axis], images: Sequence[RawParam], constants: Mapping[str, Any]) -> None:
        """Count every axis; a table is read through once, so each of its rows is known to be sound. `images`
        are the pictures that rows may lack.
        """
        self._find_files(images, constants)
        for axis in axes:
            try:
                counts = {name: self._count(name, source, axis) for name, source in axis.sources.items()}
            except ProblemsError as error:
                self._reading.report.problems += error.problems
                continue
            axis.size = min(counts.values())
            if len(set(counts.values())) > 1:
                lengths = ", ".join(f"{name} has {size}" for name, size in counts.items())
                self._reading.wrong(("zip",), f"the lists must have equal lengths; {lengths}", at_key=True)

    def _count(self, name: str, source: Source, axis: Axis) -> int:
        table = source.table
        if table is None:
            return source.count()
        table.lenient = self._skip_bad_rows and one_table(axis)
        number = table.count()
        if source.rules:
            source.rules.unmet([row.number for row in table.skipped])
        if not number:
            path = ("zip" if name in self._fields["zip"] else "matrix", name)
            message = f'"{table.path.name}" holds no rows; an axis needs at least one value'
            if table.skipped:
                rows = (
                    "its only row" if len(table.skipped) == 1 else f"all of its {len(table.skipped):,} rows"
                )
                message = f'"{table.path.name}": {rows} would be left out ({table.skipped[0].reason})'
            self._reading.wrong(path, message)
        return number

    def check_size(self, axes: list[Axis], added: Sequence[Any], jobs_max: int) -> None:
        """Refuse more jobs than are accepted."""
        jobs = (prod(axis.size for axis in axes) + len(added)) * self._fields["variations"]
        if jobs > jobs_max:
            factors = [f"{axis.size:,} {' + '.join(axis.names)}" for axis in axes]
            factors.append(f"{self._fields['variations']} variations")
            self._reading.wrong(
                ("matrix",),
                f"asks for {' x '.join(factors)} = {jobs:,} jobs; at most {jobs_max:,} are accepted",
                "is there an axis too many?",
                at_key=True,
            )

    def covered(self, axes: Sequence[Axis]) -> int | None:
        """The place of the axis whose values take turns: the outermost, or the one that `cover` names; None
        after a report.
        """
        wanted = self._fields["cover"]
        if wanted is None:
            return 0
        for place, axis in enumerate(axes):
            if wanted in axis.names:
                return place
        names = [name for axis in axes for name in axis.names]
        what = f"axes: {listed(names)}" if names else "this manifest has no axes"
        self._reading.wrong(("cover",), f"there is no axis of this name; {what}", did_you_mean(wanted, names))
        return None

    def conditions(self, sources: Mapping[str, Source]) -> list[tuple[Path, Condition]]:
        """Those of every exclude, then those of every override."""
        found: list[tuple[Path, Condition]] = []
        root = self._reading.document
        for index, wanted in enumerate(self._fields["exclude"]):
            path: Path = ("exclude", index)
            found.append(
                (
                    path,
                    read_condition(
                        wanted=wanted, node=root.node(path), sources=sources, reading=self._reading
                    ),
                )
            )
        for index, entry in enumerate(self._fields["override"]):
            path = ("override", index, "when")
            found.append(
                (
                    path,
                    read_condition(
                        wanted=entry["when"], node=root.node(path), sources=sources, reading=self._reading
                    ),
                )
            )
        return found

    def additions(self, axes: list[Axis]) -> list[tuple[AxisValue, ...]] | None:
        """The combinations that are added by hand; None when any could not be read."""
        found = [
            read_addition(
                entry=entry,
                node=self._reading.document.node(("add", index)),
                axes=axes,
                reading=self._reading,
            )
            for index, entry in enumerate(self._fields["add"])
        ]
        sound = [values for values in found if values is not None]
        return sound if len(sound) == len(found) else None


def _free(node: Node) -> Source:
    """The source of an axis that only additions have."""
    columns = tuple(node.value) if isinstance(node.value, Mapping) else ()
    return Source(columns=None if columns else ())
