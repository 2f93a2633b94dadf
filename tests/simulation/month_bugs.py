"""Bugs planted in what a month's statement is made of."""

from orchestrator.core.month_money import MoneyStanding
from orchestrator.ports.paging import Bill, BillTimes
from orchestrator.store.money import bills
from orchestrator.store.views.money import month_money

from .planting import Mutation, Patch


def charge_stands_on_the_day_it_was_read(patch: Patch) -> None:
    """The day of a charge is that of its reading, not that of the provider's record."""
    genuine = bills.what_to_book

    def what_to_book(row, line, now):
        decided = genuine(row, line, now)
        if "charged_at" not in decided.values:
            return decided
        return type(decided)(
            decided.booked,
            {**decided.values, "charged_at": now},
            decided.kind,
            spent_delta=decided.spent_delta,
            due_delta=decided.due_delta,
        )

    patch(bills, "what_to_book", what_to_book)


def refund_has_the_time_of_its_charge(patch: Patch) -> None:
    """A task has one time on the bill."""
    genuine = Bill.times

    def times(self):
        found = genuine(self)
        return {
            task: BillTimes(each.charged_at_ms, each.refunded_at_ms and each.charged_at_ms)
            for task, each in found.items()
        }

    patch(Bill, "times", times)


def unusual_attempts_are_in_no_statement(patch: Patch) -> None:
    """A statement sums what went as usual, and nothing else."""
    genuine = month_money.money_of

    def of_the_usual(standing, sums):
        usual = MoneyStanding.CHARGED in standing and MoneyStanding.SETTLED in standing
        return genuine(standing, sums) if usual and MoneyStanding.FAILED not in standing else iter(())

    patch(month_money, "money_of", of_the_usual)


MONTH_BUGS = (
    Mutation("charge stands on the day it was read", charge_stands_on_the_day_it_was_read, "mixed"),
    Mutation("refund has the time of its charge", refund_has_the_time_of_its_charge, "caps", first=3),
    Mutation("unusual attempts are in no statement", unusual_attempts_are_in_no_statement, "mixed", first=13),
)
