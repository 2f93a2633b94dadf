"""What expanding a manifest finds: problems at positions of the manifest, rows that are wrong, warnings."""

from collections.abc import Callable
from typing import Final

from orchestrator.manifest.combining.axes import AxisValue, RowPlace
from orchestrator.manifest.combining.holes import Holes
from orchestrator.manifest.inputs.picture_rules import Remark
from orchestrator.manifest.parameters.slots import ParamsError
from orchestrator.manifest.templating.template_problems import TemplateProblem, Wrong
from orchestrator.yamlio import Document, Problem, ProblemsError, TableCell
from orchestrator.yamlio.document import Path

PROBLEMS_MAX: Final = 100
COLLISIONS_MAX: Final = 2_000
"""How many equal paths are collected: enough to say of each row that stands twice that it does."""

WARNINGS_MAX: Final = 50
REMARKS_NAMED: Final = 5

Values = tuple[AxisValue, ...]
Blame = Callable[[Path, Values], RowPlace | None]
"""Says which row of a table a problem at a path of the manifest comes from, if it is one."""


class Findings:
    """Collects; the same problem in many combinations is kept once, with the first of them.

    When it `skips`, a problem that comes from one row of a table is no problem: the row is in `bad`.
    """

    def __init__(
        self,
        document: Document,
        collisions: list[tuple[int, int, str]],
        blame: Blame,
        *,
        skips: bool = False,
    ) -> None:
        """`collisions` fills by itself while paths are claimed: first job, second job, path."""
        self._document = document
        self._problems: dict[tuple[Path, str], Problem] = {}
        self._holes = Holes(document)
        self._blame = blame
        self.skips = skips
        self.warnings: dict[str, None] = {}
        self.collisions = collisions
        self.remarks: dict[Remark, tuple[int, list[str]]] = {}  # how many pictures, and the first of them
        self.foreign: list[Problem] = []  # with positions of their own, such as rows of a table
        self.bad: dict[tuple[str, int], str] = {}  # name of the axis and number of the row: why

    def __bool__(self) -> bool:
        return bool(self._problems or self._holes or self.collisions or self.foreign)

    @property
    def full(self) -> bool:
        """Whether a further search would not help anybody."""
        return (
            len(self._problems) + len(self.foreign) >= PROBLEMS_MAX or len(self.collisions) >= COLLISIONS_MAX
        )

    def wrong(
        self, path: Path, message: str, hint: str = "", *, values: Values = (), at_key: bool = False
    ) -> None:
        """A problem at a path of the manifest, met in the combination of `values`."""
        place = self._blame(path, values)
        if self.skip(place, message):
            return
        key = (path, message)
        if key not in self._problems and not self.full:
            notes = (f"in the combination {described(values)}",) if values else ()
            self._problems[key] = self._document.problem(
                path,
                message,
                hint,
                at_key=at_key,
                notes=notes,
                cell=TableCell(place.table.path.name, place.number) if place else None,
                combination=shown(values),
            )

    def skip(self, place: RowPlace | None, reason: str) -> bool:
        """Leave out a row, where that is wanted; False when it is not, or there is none to leave out."""
        if place is not None and self.skips:
            self.bad.setdefault((place.name, place.number), reason)
        return place is not None and self.skips

    def wrong_always(
        self, path: Path, message: str, hint: str = "", *, place: RowPlace | None = None
    ) -> None:
        """A problem that is kept even when there are enough."""
        cell = TableCell(place.table.path.name, place.number) if place else None
        self._problems[path, message] = self._document.problem(path, message, hint, cell=cell)

    def params(self, error: ParamsError, values: Values, *, jobs: int) -> None:
        """Everything that is wrong with the parameters of so many jobs of one combination."""
        told: set[tuple[str, str]] = set()
        for one in error.found:
            if one.hole is None:
                self.wrong(one.path, one.message, one.hint, values=values)
            elif (key := (one.hole.column, one.hole.fault)) not in told:
                told.add(key)
                self._hole(one, values, jobs=jobs, micros=jobs * error.price_micros)

    def template(self, path: Path, error: TemplateProblem, values: Values, *, jobs: int, micros: int) -> None:
        """A template of the manifest itself that cannot be filled in."""
        wrong = Wrong(path, error.message, error.hint, hole=error.hole)
        if wrong.hole is None:
            self.wrong(path, error.message, error.hint, values=values)
        else:
            self._hole(wrong, values, jobs=jobs, micros=micros)

    def _hole(self, wrong: Wrong, values: Values, *, jobs: int, micros: int) -> None:
        assert wrong.hole is not None
        place = self._holes.place(wrong.hole, values)
        if not self.skip(place, wrong.message):
            self._holes.add(wrong, place, values, jobs=jobs, micros=micros)

    def warn(self, path: Path, message: str, hint: str, values: Values) -> None:
        """Something that may be meant."""
        if len(self.warnings) < WARNINGS_MAX:
            problem = self._document.problem(path, message)
            where = f" (in the combination {described(values)})" if values else ""
            advice = f"; {hint}" if hint else ""
            text = f"{problem.position}: {problem.path}: {message}{advice}"
            if not any(known.startswith(text) for known in self.warnings):
                self.warnings[text + where] = None

    def remark(self, remark: Remark, text: str, values: Values) -> None:
        """Something about one input picture; only the first of a kind are named."""
        number, named = self.remarks.get(remark, (0, []))
        if len(named) < REMARKS_NAMED:
            place = next((value.place for value in values if value.place), "")
            named.append(f"{text} ({place})" if place else text)
        self.remarks[remark] = (number + 1, named)

    def raise_if_any(self, *, complete: bool) -> None:
        """Raise ProblemsError with everything that was found."""
        problems = self.problems()
        if problems:
            raise ProblemsError(problems, complete=complete)

    def problems(self) -> list[Problem]:
        """Everything that was found."""
        return [*self._problems.values(), *self._holes.problems(), *self.foreign]


def described(values: Values) -> str:
    """A combination in words."""
    return ", ".join(value.describe() for value in values)


def shown(values: Values) -> tuple[tuple[str, str], ...]:
    """A combination as names and short texts."""
    return tuple(pair for value in values for pair in value.shown())
