"""What expanding a manifest finds: problems at positions of the manifest, and warnings."""

from typing import Final

from orchestrator.manifest.axes import AxisValue
from orchestrator.manifest.picture_rules import Remark
from orchestrator.manifest.slots import ParamsError
from orchestrator.yamlio import Document, Problem, ProblemsError
from orchestrator.yamlio.document import Path

PROBLEMS_MAX: Final = 100
COLLISIONS_MAX: Final = 5
WARNINGS_MAX: Final = 50
REMARKS_NAMED: Final = 5


class Findings:
    """Collects; the same problem in many combinations is kept once, with the first of them."""

    def __init__(self, document: Document, collisions: list[tuple[int, int, str]]) -> None:
        """`collisions` fills by itself while paths are claimed: first job, second job, path."""
        self._document = document
        self._problems: dict[tuple[Path, str], Problem] = {}
        self.warnings: dict[str, None] = {}
        self.collisions = collisions
        self.remarks: dict[Remark, tuple[int, list[str]]] = {}  # how many pictures, and the first of them
        self.foreign: list[Problem] = []  # with positions of their own, such as rows of a table

    def __bool__(self) -> bool:
        return bool(self._problems or self.collisions or self.foreign)

    @property
    def full(self) -> bool:
        """Whether a further search would not help anybody."""
        return (
            len(self._problems) + len(self.foreign) >= PROBLEMS_MAX or len(self.collisions) >= COLLISIONS_MAX
        )

    def wrong(
        self,
        path: Path,
        message: str,
        hint: str = "",
        *,
        values: tuple[AxisValue, ...] = (),
        at_key: bool = False,
    ) -> None:
        """A problem at a path of the manifest, met in the combination of `values`."""
        key = (path, message)
        if key not in self._problems and not self.full:
            notes = (f"in the combination {described(values)}",) if values else ()
            self._problems[key] = self._document.problem(path, message, hint, at_key=at_key, notes=notes)

    def wrong_always(self, path: Path, message: str, hint: str = "") -> None:
        """A problem that is kept even when there are enough."""
        self._problems[path, message] = self._document.problem(path, message, hint)

    def params(self, error: ParamsError, values: tuple[AxisValue, ...]) -> None:
        """Everything that is wrong with one combination's parameters."""
        for path, message, hint in error.found:
            self.wrong(path, message, hint, values=values)

    def warn(self, path: Path, message: str, hint: str, values: tuple[AxisValue, ...]) -> None:
        """Something that may be meant."""
        if len(self.warnings) < WARNINGS_MAX:
            problem = self._document.problem(path, message)
            where = f" (in the combination {described(values)})" if values else ""
            advice = f"; {hint}" if hint else ""
            text = f"{problem.position}: {problem.path}: {message}{advice}"
            if not any(known.startswith(text) for known in self.warnings):
                self.warnings[text + where] = None

    def remark(self, remark: Remark, text: str, values: tuple[AxisValue, ...]) -> None:
        """Something about one input picture; only the first of a kind are named."""
        number, named = self.remarks.get(remark, (0, []))
        if len(named) < REMARKS_NAMED:
            origin = next((value.origin for value in values if value.origin), "")
            named.append(f"{text} ({origin})" if origin else text)
        self.remarks[remark] = (number + 1, named)

    def raise_if_any(self, *, complete: bool) -> None:
        """Raise ProblemsError with everything that was found."""
        problems = self.problems()
        if problems:
            raise ProblemsError(problems, complete=complete)

    def problems(self) -> list[Problem]:
        """Everything that was found."""
        return [*self._problems.values(), *self.foreign]


def described(values: tuple[AxisValue, ...]) -> str:
    """A combination in words."""
    return ", ".join(value.describe() for value in values)
