"""The matrix: a row for each product, a column for each further combination, a cell for each picture that is
wanted, and in it every try at that picture. Pure.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from orchestrator.core.paths import QUARANTINE
from orchestrator.core.states import JobState
from orchestrator.store.views.jobs.job_outputs import OutputRow
from orchestrator.store.views.jobs.products import TryRow

ACCEPTED: Final = "accepted"
REJECTED: Final = "rejected"


@dataclass(frozen=True, slots=True, order=True)
class MatrixColumn:
    """What tells the pictures of one product apart."""

    place: int  # the highest that it has within a product
    labels: tuple[str, ...]
    variation: int

    @property
    def key(self) -> tuple[tuple[str, ...], int]:
        """What makes it one column."""
        return self.labels, self.variation


@dataclass(frozen=True, slots=True)
class Shown:
    """One stored picture of a try."""

    job_id: int
    output: OutputRow

    @property
    def flagged(self) -> bool:
        """Whether only its blurred likeness may be shown: it is flagged, or lies in quarantine."""
        return is_flagged(self.output)


@dataclass(frozen=True, slots=True)
class ShownTry:
    """One job of a cell."""

    row: TryRow
    pictures: tuple[Shown, ...]
    why: str  # in words, where it has no picture

    @property
    def id(self) -> int:
        """The job's."""
        return self.row.id

    @property
    def kind(self) -> str:
        """One word: what is to be seen of it."""
        if self.pictures:
            return self.row.verdict or "unseen"
        return "gone" if self.row.state in {JobState.SUCCEEDED, JobState.REUSED} else self.row.state


@dataclass(slots=True)
class MatrixCell:
    """One wanted picture: its tries, the choice first, the others newest first."""

    column: MatrixColumn
    tries: list[ShownTry] = field(default_factory=list)

    @property
    def choice(self) -> ShownTry | None:
        """The try that is shown; None where the product has no such job."""
        return self.tries[0] if self.tries else None

    @property
    def accepted_elsewhere(self) -> ShownTry | None:
        """The picture of another run that is accepted, where no own one is: it has the clean name."""
        own = any(each.row.verdict == ACCEPTED for each in self.tries if not each.row.elsewhere)
        others = (each for each in self.tries if each.row.elsewhere and each.row.verdict == ACCEPTED)
        return None if own else next(others, None)

    @property
    def coming(self) -> ShownTry | None:
        """A further try that waits or is being made, behind the picture that is shown."""
        alive = {JobState.PENDING.value, JobState.RUNNING.value}
        return next((each for each in self.tries[1:] if each.row.state in alive), None)


@dataclass(slots=True)
class ProductRow:
    """One product with its pictures."""

    product: str
    first: TryRow
    cells: list[MatrixCell]

    @property
    def pictures(self) -> int:
        """How many cells have a picture."""
        return sum(1 for cell in self.cells if cell.choice and cell.choice.pictures)


@dataclass(frozen=True, slots=True)
class Matrix:
    """What one page shows."""

    axes: tuple[str, ...]  # the outermost first
    columns: tuple[MatrixColumn, ...]
    rows: tuple[ProductRow, ...]

    @property
    def has_variations(self) -> bool:
        """Whether any column is a second variation."""
        return any(column.variation > 1 for column in self.columns)


Why = Callable[[TryRow], str]


def is_flagged(output: OutputRow) -> bool:
    """Whether a picture may be shown blurred alone."""
    return output.nsfw is True or (output.path or "").startswith(f"{QUARANTINE}/")


def build(rows: Sequence[TryRow], why: Why) -> Matrix:
    """The matrix of these jobs, which stand in the order of products; `why` says of a job without a picture
    why it has none.
    """
    products: dict[str, list[TryRow]] = {}
    for row in rows:
        products.setdefault(row.product, []).append(row)
    places: dict[tuple[tuple[str, ...], int], int] = {}
    found = [_placed(mine, places, why=why) for mine in products.values()]
    columns = sorted(MatrixColumn(place, *key) for key, place in places.items())
    axes = next((tuple(name for name, _ in row.axes) for row in rows if row.axes), ())
    done = tuple(
        ProductRow(
            product=name,
            first=mine[0],
            cells=[MatrixCell(column, _ordered(cells.get(column.key, []))) for column in columns],
        )
        for (name, mine), cells in zip(products.items(), found, strict=True)
    )
    return Matrix(axes, tuple(columns), done)


def _placed(
    mine: Sequence[TryRow], places: dict[tuple[tuple[str, ...], int], int], *, why: Why
) -> dict[tuple[tuple[str, ...], int], list[ShownTry]]:
    """The tries of one product by column. A job that is a further try stands with the job it is of."""
    keys = _keys(mine)
    found: dict[tuple[tuple[str, ...], int], list[ShownTry]] = {}
    lowest = min(row.ordinal for row in mine)
    for row in mine:
        key = keys[row.id]
        if key not in found:  # a product without some of the combinations has lower places
            places[key] = max(places.get(key, 0), row.ordinal - lowest)
        found.setdefault(key, []).append(ShownTry(row, _pictures(row), why(row)))
    return found


def _keys(mine: Iterable[TryRow]) -> dict[int, tuple[tuple[str, ...], int]]:
    keys: dict[int, tuple[tuple[str, ...], int]] = {}
    unnamed = 0
    for row in mine:
        if row.beside in keys:
            keys[row.id] = keys[row.beside]
        elif row.redo_of in keys:
            keys[row.id] = keys[row.redo_of]
        elif row.axes:
            keys[row.id] = tuple(label for _, label in row.axes[1:]), row.variation
        else:  # from before axes had names: each job is a cell of its own
            unnamed += 1
            keys[row.id] = (f"#{unnamed}",), row.variation
    return keys


def _pictures(row: TryRow) -> tuple[Shown, ...]:
    return tuple(
        Shown(row.id, output)
        for output in row.outputs
        if output.path is not None and not output.is_copy and output.kept_from is None
    )


def _ordered(tries: list[ShownTry]) -> list[ShownTry]:
    """The choice first: an accepted picture, else the newest; then what has no picture, the newest first;
    behind them those of other runs in the same order.
    """
    return sorted(tries, key=lambda each: (bool(each.row.elsewhere), _rank(each), -each.id))


def _rank(each: ShownTry) -> int:
    if not each.pictures:
        return 2
    return 0 if each.row.verdict == ACCEPTED else 1


def differences(tries: Sequence[TryRow]) -> list[tuple[str, list[str]]]:
    """What differs in what these jobs sent: the name of each parameter with its value in each of them."""
    flat = [_flat(row) for row in tries]
    names = list(dict.fromkeys(name for each in flat for name in each))
    rows = [(name, [each.get(name, "") for each in flat]) for name in names]
    return [(name, values) for name, values in rows if len(set(values)) > 1]


def _flat(row: TryRow) -> Mapping[str, str]:
    found = dict(row.axes)
    found |= {name: _text(value) for name, value in row.params.items()}
    return found | {"variation": str(row.variation)}


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
