"""Bugs planted in caps, prices, the ledger and the bill."""

from dataclasses import replace

from sqlalchemy import bindparam, update

from orchestrator.ports.paging import Bill
from orchestrator.store.attempts import endings
from orchestrator.store.claiming import selection
from orchestrator.store.db.schema import LedgerKind, balances
from orchestrator.store.money import bill_lines, bills, ledger, price_lessons, quotes
from orchestrator.store.runs import adding
from orchestrator.worker.guards.price_guard import PriceGuard
from orchestrator.worker.upkeep.billing import BillReader

from .planting import Mutation, Patch


def caps_not_held(patch: Patch) -> None:
    """Looking is trusted, and looked at a while ago; the update that reserves has no condition."""
    patch(selection.Taken, "admits", lambda self, lane: True)
    unconditional = (
        update(balances).where(ledger._KEY).values(held_micros=balances.c.held_micros + bindparam("d_held"))
    )
    patch(ledger, "_HOLD_UNDER_CAP", unconditional)


def released_twice(patch: Patch) -> None:
    """Every release is booked twice."""
    genuine = ledger.post

    def book(tx, movements):
        genuine(tx, [*movements, *(m for m in movements if m.kind is LedgerKind.RELEASE)])

    patch(ledger, "post", book)


def unknown_price_is_nothing(patch: Patch) -> None:
    """What has no price costs next to nothing, and nobody asks the provider."""
    genuine = adding.add_jobs
    patch(
        adding,
        "add_jobs",
        lambda tx, run, specs: genuine(tx, run, [replace(s, price_micros=1) for s in specs]),
    )

    async def refuses(self, attempt, inputs):
        return None

    patch(PriceGuard, "refuses", refuses)


def one_more_than_the_cap(patch: Patch) -> None:
    """`<` became `<=` somewhere: a job that is one too many still fits."""
    patch(selection.Taken, "admits", lambda self, lane: True)
    condition = balances.c.spent_micros + balances.c.held_micros + balances.c.refund_due_micros
    one_over = (
        update(balances)
        .where(ledger._KEY, condition < bindparam("cap"))
        .values(held_micros=balances.c.held_micros + bindparam("d_held"))
    )
    patch(ledger, "_HOLD_UNDER_CAP", one_over)


def refund_never_due(patch: Patch) -> None:
    """A failed task counts as free at once, though the provider has not paid back."""
    genuine = endings.fail
    patch(endings, "fail", lambda tx, rows: genuine(tx, [replace(row, refund_window_ms=0) for row in rows]))


def failure_is_charged(patch: Patch) -> None:
    """A failed task counts as paid for."""
    genuine = endings.fail
    patch(endings, "fail", lambda tx, rows: genuine(tx, [replace(row, charged=True) for row in rows]))


def record_counts_on_each_page(patch: Patch) -> None:
    """A record that slides to the next page while the bill is read is booked again."""

    def add(self, page, others=()):
        for record in page:
            self._by_key[len(self._by_key), record.id] = record

    patch(Bill, "add", add)


def refund_is_believed(patch: Patch) -> None:
    """More may be paid back for a task than was charged for it."""
    genuine = bills.what_to_book

    def what_to_book(row, line, now):
        decided = genuine(row, line, now)
        if decided.kind is None or not decided.booked.surplus_micros:
            return decided
        cost = line.deducted_micros - line.refunded_micros
        return replace(
            decided, values={**decided.values, "cost_micros": cost}, spent_delta=cost - (row.cost_micros or 0)
        )

    patch(bills, "what_to_book", what_to_book)


def bill_trouble_ends_the_worker(patch: Patch) -> None:
    """An error of the bill loop is everybody's, and a refund that is too large is one."""
    refund_is_believed(patch)

    async def book(self, due, bill):
        for row in due:
            line = bills.BillLine(row.attempt_id, *bill.by_prediction().get(row.prediction_id, (0, 0)))
            await self._deps.writer.submit(bills.book_lines, line)

    patch(BillReader, "_book", book)
    patch(BillReader, "tick", BillReader._read)


def surplus_is_not_told(patch: Patch) -> None:
    """A refund that is too large is cut to the charge, and nobody hears of it."""
    patch(bills, "_note_surplus", lambda tx, row, micros: None)


def partial_refund_is_whole(patch: Patch) -> None:
    """Whatever is paid back is taken for all of the charge."""
    genuine = bills.what_to_book

    def what_to_book(row, line, now):
        back = max(line.refunded_micros, line.deducted_micros) if line.refunded_micros else 0
        return genuine(row, replace(line, refunded_micros=back), now)

    patch(bills, "what_to_book", what_to_book)


def implausible_bill_frees_the_cap(patch: Patch) -> None:
    """The bill is believed whatever it says."""
    patch(bill_lines, "charge_that_counts", lambda billed, held, *, basis: billed)


def bill_teaches_nothing(patch: Patch) -> None:
    """Another charge than was held is booked, and what waits goes on at the old price."""
    patch(price_lessons, "learn", lambda tx, attempt, micros, percent: quotes.Learned(micros, 0))


def refund_lapses_unread(patch: Patch) -> None:
    """A refund is given up by the clock, before the bill is read."""
    genuine = BillReader._read

    async def read(self):
        await self._lapse()
        return await genuine(self)

    patch(BillReader, "_read", read)


MONEY_BUGS = (
    Mutation(name="caps not held", apply=caps_not_held, theme="caps", first=4),
    Mutation("released twice", released_twice, "mixed"),
    Mutation("unknown price is nothing", unknown_price_is_nothing, "mixed"),
    Mutation(name="one job over the cap", apply=one_more_than_the_cap, theme="caps", first=5),
    Mutation(name="refund not waited for", apply=refund_never_due, theme="caps", first=24),
    Mutation("failure is charged", failure_is_charged, "caps"),
    Mutation(name="record counts on each page", apply=record_counts_on_each_page, theme="mixed", first=41),
    Mutation(name="refund is believed", apply=refund_is_believed, theme="caps", first=28),
    Mutation(name="bill trouble ends the worker", apply=bill_trouble_ends_the_worker, theme="caps", first=28),
    Mutation(name="surplus is not told", apply=surplus_is_not_told, theme="caps", first=7),
    Mutation(name="partial refund is whole", apply=partial_refund_is_whole, theme="caps", first=15),
    Mutation(
        name="implausible bill frees the cap", apply=implausible_bill_frees_the_cap, theme="caps", first=63
    ),
    Mutation(name="bill teaches nothing", apply=bill_teaches_nothing, theme="mixed", first=42),
    Mutation(name="refund lapses unread", apply=refund_lapses_unread, theme="long", first=138),
)
