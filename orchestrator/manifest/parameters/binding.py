"""Templates over combinations: each expression is filled in once for each value it depends on.

A manifest of a million jobs has few distinct scenes and as many products as rows; `{{ product.sku | slug }}`
depends on the product alone, so its text is kept with that product and thrown away with it.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, Final

from orchestrator.manifest.combining.axes import AxisValue
from orchestrator.manifest.templating.expressions import Expression
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.manifest.templating.templates import Template, checked, to_text

_MISSING: Final = object()
_MEMO_MAX: Final = 4096
OWN_NAMES: Final = frozenset({"variation", "index", "ext", "key", "number"})
_ids = count()


class Combination:
    """One combination: a value of every axis, and the names that belong to this job alone."""

    __slots__ = ("_scope", "constants", "own", "values")

    def __init__(
        self, constants: Mapping[str, Any], values: Sequence[AxisValue], own: dict[str, Any]
    ) -> None:
        self.constants = constants
        self.values = values
        self.own = own
        self._scope: dict[str, Any] | None = None

    def scope(self) -> dict[str, Any]:
        """Every name that a template may use."""
        if self._scope is None:
            scope = dict(self.constants)
            for value in self.values:
                scope.update(value.bindings)
            scope.update(self.own)
            self._scope = scope
        return self._scope

    def describe(self) -> str:
        """The combination in words, for a message."""
        return ", ".join(value.describe() for value in self.values)

    def bind(self, **own: Any) -> None:
        """Change some of the names that belong to this job."""
        self.own.update(own)
        self._scope = None


Reader = Callable[[Combination], Any]


class Binder:
    """Knows which axis binds which name, and which names are the same for the whole manifest."""

    def __init__(
        self, constants: Mapping[str, Any], axis_of: Mapping[str, int], *, own: frozenset[str] = OWN_NAMES
    ) -> None:
        """`own` are the names that belong to one job alone."""
        self._constants = constants
        self._axis_of = axis_of
        self.own = own

    def text(self, template: Template) -> "BoundText":
        """A template that gives text."""
        steps: list[str | Reader] = []
        own: set[str] = set()
        for part in template.parts:
            if isinstance(part, str):
                steps.append(part)
                continue
            names = part.names & self.own
            own |= names
            folded = self._folded(part) if part.names <= self._constants.keys() else None
            steps.append(self._reader(part, names) if folded is None else folded)
        return BoundText(tuple(_joined(steps)), self.axes(template.names), frozenset(own))

    def _folded(self, expression: Expression) -> str | None:
        """The text of an expression over constants; None when it cannot be filled in, which is reported where
        it is used.
        """
        try:
            return to_text(expression.value(self._constants))
        except TemplateProblem:
            return None

    def value(self, expression: Expression) -> Reader:
        """An expression that gives any value, not only text."""
        return lambda combination: expression.value(combination.scope())

    def cached(self, names: frozenset[str], read: Reader) -> Reader:
        """`read`, kept with the value of the only axis that `names` depend on; `read` itself for more than
        one.
        """
        axes = self.axes(names)
        if len(axes) > 1 or names & self.own:
            return read
        key = next(_ids)
        if not axes:
            return _once(read)
        (axis,) = axes

        def cached(combination: Combination) -> Any:
            cache = combination.values[axis].cache
            found = cache.get(key, _MISSING)
            if found is _MISSING:
                found = cache[key] = read(combination)
            return found

        return cached

    def axes(self, names: frozenset[str]) -> frozenset[int]:
        """The axes that some names are bound by."""
        return frozenset(self._axis_of[name] for name in names if name in self._axis_of)

    def _reader(self, expression: Expression, own: frozenset[str]) -> Reader:
        if expression.name is not None and expression.name in own:
            name = expression.name
            # Absent only while other problems are searched for behind an axis whose name is taken.
            return lambda combination: str(combination.own.get(name, ""))

        def read(combination: Combination) -> str:
            return checked(to_text(expression.value(combination.scope())))

        if own and own == expression.names:
            return _memoised(tuple(sorted(own)), read)
        axes = {self._axis_of.get(name) for name in expression.names}
        if len(axes) == 1 and not own and (axis := axes.pop()) is not None:

            def read_axis(combination: Combination) -> str:
                return checked(to_text(expression.value(combination.values[axis].bindings)))

            return self.cached(expression.names, read_axis)
        return self.cached(expression.names, read)


class BoundText:
    """A template that is ready to be filled in for many combinations."""

    __slots__ = ("_steps", "axes", "constant", "own")

    def __init__(self, steps: tuple[str | Reader, ...], axes: frozenset[int], own: frozenset[str]) -> None:
        self._steps = steps
        self.axes = axes
        self.own = own
        self.constant: str | None = None
        if not steps:
            self.constant = ""
        elif len(steps) == 1 and isinstance(steps[0], str):
            self.constant = steps[0]

    def text(self, combination: Combination) -> str:
        """The filled-in text; raises TemplateProblem."""
        if self.constant is not None:
            return self.constant
        parts = [step if isinstance(step, str) else step(combination) for step in self._steps]
        return checked("".join(parts))


def _joined(steps: list[str | Reader]) -> list[str | Reader]:
    """Neighbouring pieces of plain text as one."""
    joined: list[str | Reader] = []
    for step in steps:
        if isinstance(step, str) and joined and isinstance(joined[-1], str):
            joined[-1] += step
        else:
            joined.append(step)
    return joined


def _once(read: Reader) -> Reader:
    found: list[Any] = []

    def once(combination: Combination) -> Any:
        if not found:
            found.append(read(combination))
        return found[0]

    return once


def _memoised(names: tuple[str, ...], read: Reader) -> Reader:
    """`read`, kept for each set of a job's own values, such as `{{ index + 1 }}`."""
    memo: dict[tuple[Any, ...], Any] = {}

    def memoised(combination: Combination) -> Any:
        key = tuple([combination.own[name] for name in names])
        found = memo.get(key, _MISSING)
        if found is _MISSING:
            found = read(combination)
            if len(memo) < _MEMO_MAX:
                memo[key] = found
        return found

    return memoised
