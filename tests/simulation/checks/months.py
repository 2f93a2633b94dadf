"""Months: the statement adds up to the ledger, and each charge and refund stands at the provider's own time.

The statement is the product's answer, read once all is over; what it must say is summed here.
"""

from collections.abc import Sequence

from orchestrator.actions.reconciling.month_statement import month_statement
from orchestrator.store.db.database import Tx

from ..watch import Row
from .scene import Scene


class MonthChecks:
    """What a month's statement says, against the ledger and the provider's bill."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def as_billed(self, attempts: Sequence[Row]) -> None:
        """What was read of the bill bears the time of a record of that task and kind."""
        account = self._scene.account
        times: dict[tuple[str, str], set[int]] = {}
        for charge in account.bill:
            times.setdefault((charge.task_id, charge.kind), set()).add(account.stamp(charge.at))
        for row in attempts:
            for column, kind in (("charged_at", "deduct"), ("refunded_at", "refund")):
                if row[column] is not None and row["prediction_id"] is not None:
                    known = times.get((row["prediction_id"], kind), set())
                    self._scene.expect(
                        row[column] in known,
                        "months",
                        f"attempt {row['id']} has {column} {row[column]}, the bill {sorted(known)}",
                    )

    def adds_up(self, tx: Tx, timezone: str) -> None:
        """Every line of the ledger is in the statement of its month, and booked leads to billed."""
        for each in self._scene.rows("SELECT DISTINCT substr(day, 1, 7) AS month FROM ledger ORDER BY month"):
            found = month_statement(tx, each["month"], timezone, by=("run",))
            row = self._scene.row(
                "SELECT sum(spent_delta) AS spent, sum(held_delta + refund_due_delta) AS open FROM ledger "
                "WHERE day LIKE ?",
                f"{found.month}%",
            )
            booked = found.booked_total
            self._scene.expect(
                (booked.net, booked.held_open) == (int(row["spent"] or 0), int(row["open"] or 0)),
                "months",
                f"{found.month} says {booked}, the ledger {row['spent']} and {row['open']}",
            )
            bridged = booked.net + sum(line.micros for line in found.bridge)
            billed = found.billed_total
            self._scene.expect(
                bridged == billed.charged - billed.refunded and not found.wrong,
                "months",
                f"{found.month}: bridged {bridged}, billed {billed}, wrong {found.wrong}",
            )
