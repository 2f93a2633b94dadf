"""Which row of a table a problem comes from: by the axes that the text at its place depends on."""

from collections.abc import Iterable, Mapping

from orchestrator.manifest.combining.axes import Axis, AxisValue, RowPlace
from orchestrator.manifest.parameters.binding import Binder
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path


class Blames:
    """Knows what each text of the manifest depends on."""

    def __init__(
        self,
        binder: Binder,
        params: Iterable[Mapping[str, RawParam]],
        others: Mapping[Path, Template],
    ) -> None:
        """`params` of the manifest and of its overrides, and `others` by their paths."""
        self._binder = binder
        self._axes: dict[Path, frozenset[int]] = {}
        for one in params:
            for raw in one.values():
                for path, template in raw.templates():
                    self._add(path, template)
        for path, template in others.items():
            self._add(path, template)

    def _add(self, path: Path, template: Template) -> None:
        axes = self._binder.axes(template.names)
        for length in range(len(path), 0, -1):  # what is said of a list is said of all of its items
            self._axes[path[:length]] = self._axes.get(path[:length], frozenset()) | axes

    def row(self, path: Path, values: tuple[AxisValue, ...]) -> RowPlace | None:
        """The only row that a problem at `path` can come from; None when there is none, or more than one."""
        axes = self._axes.get(path, frozenset())
        rows = [row for at in axes if at < len(values) for row in values[at].rows]
        return rows[0] if len(rows) == 1 else None


def one_table(axis: Axis) -> bool:
    """Whether rows of an axis can be left out: those of a zip group go with the values beside them."""
    return len(axis.sources) == 1
