"""The rows of a month's statement: what is grouped, and what each group was booked and billed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from orchestrator.core.errors import UsageError
from orchestrator.core.month import Amounts, amounts_of
from orchestrator.store.db.database import Tx
from orchestrator.store.views.money import month_sums
from orchestrator.store.views.money.month_lines import MonthLine
from orchestrator.store.views.money.month_sums import Dimension, Group, MonthBounds
from orchestrator.store.views.runs.run_names import RunName

OF_RUN: Final[Mapping[str, Callable[[RunName], str]]] = {
    "campaign": lambda run: run.campaign,
    "run": lambda run: run.path,
    "model": lambda run: run.model,
}
"""What groups may be told apart by that is known of a run; all else is known of a job."""

UNTAGGED: Final = "untagged"
"""Jobs that have no such value are a line too."""


@dataclass(slots=True)
class StatementRow:
    """One line of the booked view: its values of the dimensions, and the month in which it counts."""

    values: tuple[str, ...]
    period: str
    amounts: Amounts = field(default_factory=Amounts)
    images: int = 0
    accepted: int = 0
    nsfw: int = 0
    failed_paid: int = 0  # tries without pictures that were paid all the same
    reused: int = 0  # jobs that pictures of earlier runs served
    avoided: int = 0  # what these would have cost, in micros

    @property
    def cost_per_image(self) -> int | None:
        """What a stored picture cost with all that was spent, to the nearest micro-dollar; None without
        one.
        """
        return (2 * self.amounts.net + self.images) // (2 * self.images) if self.images else None


@dataclass(slots=True)
class BilledRow:
    """One line of the billed view; in micros."""

    values: tuple[str, ...]
    charged: int = 0
    refunded: int = 0


class _OnBill(Protocol):
    @property
    def charged(self) -> int: ...
    @property
    def refunded(self) -> int: ...


def summed(rows: Iterable[_OnBill]) -> BilledRow:
    """Rows of the billed view together."""
    found = [(row.charged, row.refunded) for row in rows]
    return BilledRow((), sum(one for one, _ in found), sum(two for _, two in found))


def dimension_of(name: str) -> Dimension | None:
    """What a word of `--by` means: `campaign`, `run` and `model` are known of a run (None), `resolution`,
    `tag:NAME` and `axis:NAME` of a job. Raises UsageError for any other.
    """
    if name in OF_RUN:
        return None
    if name == "resolution":
        return Dimension("param", name)
    kind, colon, value = name.partition(":")
    if colon and value and kind in {"tag", "axis"}:
        return Dimension(kind, value)
    raise UsageError(
        f"--by {name}: expected campaign, run, model, resolution, tag:NAME or axis:NAME, such as "
        "--by campaign,tag:client"
    )


def refuse_unknown(tx: Tx, wanted: Sequence[Dimension], groups: Iterable[Group]) -> None:
    """Raise UsageError for tags and axes that no job has: a slip would put a whole month under `untagged`.
    All jobs are asked only where none of the month has a value.
    """
    found = list(groups)
    without = [
        each
        for at, each in enumerate(wanted, 1)
        if each.kind != "param" and found and all(group[at] is None for group in found)
    ]
    unknown = [f"{each.kind}:{each.name}" for each in without if not month_sums.is_known(tx, each)]
    if unknown:
        raise UsageError(
            f"--by {','.join(unknown)}: no job has that. `orchestrator jobs list --json` shows the tags and "
            "axes of each job; an axis has one value, whatever columns its rows have"
        )


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a group or a line stands."""

    by: Sequence[str]
    runs: Mapping[int, RunName]
    groups: Mapping[int, Group]  # of attempts

    def values(self, group: Group) -> tuple[str, ...]:
        """The values of a group in the order that was asked for."""
        run_id, *rest = group
        told = iter(rest)
        return tuple(
            OF_RUN[name](self.runs[run_id]) if name in OF_RUN else str(next(told) or UNTAGGED)
            for name in self.by
        )

    def of_line(self, line: MonthLine) -> tuple[str, ...]:
        """The values of a line of the ledger."""
        nothing: Group = (line.run_id, *(None for name in self.by if name not in OF_RUN))
        return self.values(nothing if line.attempt_id is None else self.groups.get(line.attempt_id, nothing))


def booked_rows(
    tx: Tx,
    bounds: MonthBounds,
    wanted: Sequence[Dimension],
    *,
    placing: Placing,
    sums: Mapping[Group, Mapping[str, int]],
    moved: Sequence[MonthLine],
    reused: Mapping[Group, tuple[int, int]],
) -> list[StatementRow]:
    """The rows of the month itself, without lines that came after it was closed."""
    rows: dict[tuple[str, ...], StatementRow] = {}

    def row(values: tuple[str, ...]) -> StatementRow:
        return rows.setdefault(values, StatementRow(values, bounds.month))

    odd = month_sums.odd_lines(tx, bounds.month, wanted)
    for group in sums.keys() | odd.keys():
        found, said = sums.get(group, {}), odd.get(group, Amounts())
        if not (said != Amounts() or any(found.get(name) for name in ("spent", "open", "failed_paid"))):
            continue  # only its bill is of this month
        plain = found.get("spent", 0) - said.net
        each = row(placing.values(group))
        each.amounts += replace(said, charged=said.charged + plain, held_open=found.get("open", 0))
        each.failed_paid += found.get("failed_paid", 0)
    for group, pictures in month_sums.pictures(tx, bounds, wanted).items():
        each = row(placing.values(group))
        each.images += pictures["images"]
        each.accepted += pictures["accepted"]
        each.nsfw += pictures["nsfw"]
    for group, (jobs, micros) in reused.items():
        each = row(placing.values(group))
        each.reused, each.avoided = each.reused + jobs, each.avoided + micros
    for line in moved:
        row(placing.of_line(line)).amounts -= _amounts(line)
    return [rows[values] for values in sorted(rows)]


def prior_rows(prior: Sequence[MonthLine], placing: Placing) -> list[StatementRow]:
    """Lines of closed months that came in this one."""
    rows: dict[tuple[str, tuple[str, ...]], StatementRow] = {}
    for line in prior:
        values = placing.of_line(line)
        row = rows.setdefault((line.month, values), StatementRow(values, line.month))
        row.amounts += _amounts(line)
    return [rows[key] for key in sorted(rows)]


def _amounts(line: MonthLine) -> Amounts:
    return amounts_of(line.kind, spent=line.spent, held=line.held, due=line.due)


def billed_rows(sums: Mapping[Group, Mapping[str, int]], placing: Placing) -> list[BilledRow]:
    """What the provider charged and paid back in the month, by the same values."""
    rows: dict[tuple[str, ...], BilledRow] = {}
    for group, found in sums.items():
        if found["charged"] or found["refunded"]:
            values = placing.values(group)
            row = rows.setdefault(values, BilledRow(values))
            row.charged += found["charged"]
            row.refunded += found["refunded"]
    return [rows[values] for values in sorted(rows)]
