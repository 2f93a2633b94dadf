"""Reads what pages show, in one snapshot each. Blocking."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.core.money import format_usd
from orchestrator.pages.matrix import Matrix, MatrixCell, ProductRow, ShownTry, build
from orchestrator.pages.reasons import Reasons
from orchestrator.store.choosing.verdicts import GivenVerdict, history
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.views.jobs import products
from orchestrator.store.views.jobs.cell_mates import with_mates
from orchestrator.store.views.jobs.products import Place, ProductWish, TryRow
from orchestrator.store.views.jobs.waiting import waits
from orchestrator.store.views.money.forecasts import MonthForecast, month_forecasts
from orchestrator.store.views.runs.run_heads import (
    COUNTED_MAX,
    HeadCounts,
    HeadRow,
    head_counts,
    newest_runs,
    run_head,
)
from orchestrator.web.review.asked import ReviewView

PRODUCTS: Final = 30


@dataclass(frozen=True, slots=True)
class RunHead:
    """What stands above the pictures of a run."""

    run: HeadRow
    counts: HeadCounts

    @property
    def is_begun(self) -> bool:
        """Whether some pictures have a verdict and others do not: then the review opens at the others."""
        return 0 < self.counts.accepted + self.counts.rejected < self.counts.made

    @property
    def words(self) -> str:
        """How far the review is, and what was spent."""
        counts = self.counts
        judged = min(counts.accepted + counts.rejected, COUNTED_MAX + 1)
        parts = [f"{_many(judged)} of {_many(counts.made)} reviewed", f"{_many(counts.accepted)} accepted"]
        parts += [f"{_many(counts.reused)} reused"] if counts.reused else []
        parts += [f"{_many(counts.coming)} not made yet"] if counts.coming else []
        parts += [f"{_many(counts.failed)} failed"] if counts.failed else []
        return " · ".join([*parts, f"${format_usd(self.run.spent_micros)} spent"])


@dataclass(frozen=True, slots=True)
class Page:
    """Some products of a run."""

    head: RunHead
    matrix: Matrix
    reasons: Reasons
    then: Place | None


@dataclass(frozen=True, slots=True)
class Focus:
    """One job, in the cell that it stands in."""

    run: HeadRow
    row: ProductRow
    cell: MatrixCell
    shown: ShownTry
    reasons: Reasons
    said: Sequence[GivenVerdict]
    before: int | None  # the jobs to the left and to the right, and below
    then: int | None


class ReviewReading:
    """On one database."""

    def __init__(self, database: Database, timezone: str) -> None:
        self._database = database
        self._timezone = timezone

    def forecasts(self) -> list[MonthForecast]:
        """What this month will come to, of the account and of campaigns that spend."""
        with self._database.read() as tx:
            return month_forecasts(tx, self._timezone)

    def all_runs(self) -> list[HeadRow]:
        """Every run, the newest first."""
        with self._database.read() as tx:
            return newest_runs(tx)

    def page(self, asked: ReviewView) -> Page | None:
        """None where there is no such run."""
        with self._database.read() as tx:
            run = run_head(tx, asked.run_id)
            if run is None:
                return None
            rows, then = products.page(tx, asked.wish, after=asked.after, products=PRODUCTS)
            reasons = self._reasons(tx, asked.run_id)
            head = RunHead(run, head_counts(tx, run.id))
            matrix = build(with_mates(tx, rows), reasons)
            return Page(head=head, matrix=matrix, reasons=reasons, then=then)

    def rows(self, job_ids: Sequence[int]) -> tuple[Matrix, Reasons, str]:
        """The products of these jobs, of one run, as they are now, and how far its review is."""
        with self._database.read() as tx:
            firsts = products.tries(tx, job_ids)
            if not firsts:
                return build([], Reasons()), Reasons(), ""
            run_id = firsts[0].run_id
            names = [row.product for row in firsts if row.run_id == run_id]
            reasons = self._reasons(tx, run_id)
            run = run_head(tx, run_id)
            words = RunHead(run, head_counts(tx, run_id)).words if run else ""
            found = with_mates(tx, products.of_products(tx, run_id, names))
            return build(found, reasons), reasons, words

    def jobs(self, job_ids: Sequence[int]) -> list[TryRow]:
        """These jobs."""
        with self._database.read() as tx:
            return products.tries(tx, job_ids)

    def focus(self, job_id: int) -> Focus | None:
        """None where there is no such job."""
        with self._database.read() as tx:
            found = products.tries(tx, [job_id])
            if not found:
                return None
            run_id, name = found[0].run_id, found[0].product
            run = run_head(tx, run_id)
            if run is None:
                return None
            reasons = self._reasons(tx, run_id)
            mine = products.of_products(tx, run_id, [name])
            if all(each.id != job_id for each in mine):  # more of them than a page shows
                mine = found
            matrix = build(with_mates(tx, mine), reasons)
            row, cell, shown = _place(matrix, job_id)
            choices = [each.choice.id for each in row.cells if each.choice]
            at = choices.index(cell.tries[0].id)
            further, _ = products.page(
                tx, ProductWish(run_id), after=Place(name, products.BEHIND_ALL), products=1
            )
            below = build(further, reasons).rows
            return Focus(
                run=run,
                row=row,
                cell=cell,
                shown=shown,
                reasons=reasons,
                said=history(tx, shown.row.reused_from or job_id),
                before=choices[at - 1] if at else None,
                then=choices[at + 1] if at + 1 < len(choices) else _first(below),
            )

    def _reasons(self, tx: Tx, run_id: int) -> Reasons:
        return Reasons(waits(tx, run_id, self._timezone))


def _many(number: int) -> str:
    return f"{number:,}" if number <= COUNTED_MAX else f"more than {COUNTED_MAX:,}"


def _place(matrix: Matrix, job_id: int) -> tuple[ProductRow, MatrixCell, ShownTry]:
    return next(
        (row, cell, each)
        for row in matrix.rows
        for cell in row.cells
        for each in cell.tries
        if each.id == job_id
    )


def _first(rows: Sequence[ProductRow]) -> int | None:
    return next((cell.choice.id for row in rows for cell in row.cells if cell.choice), None)
