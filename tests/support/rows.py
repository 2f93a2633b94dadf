"""What a database holds, in few words: rows, states, events, and whether the money adds up."""

from collections import Counter
from typing import Any

from sqlalchemy import func, select

from orchestrator.core.budget import periods_of
from orchestrator.store.db.database import Database
from orchestrator.store.db.schema import attempts as attempt_table
from orchestrator.store.db.schema import balances as balance_table
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.db.schema import events as event_table
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.db.schema import ledger as ledger_table
from orchestrator.store.db.schema import outputs as output_table


class Rows:
    """Looks at one database, and changes nothing."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def attempt(self, held: Any) -> Any:
        attempt_id = held if isinstance(held, int) else held.attempt_id
        with self.database.read() as tx:
            return tx.conn.execute(select(attempt_table).where(attempt_table.c.id == attempt_id)).one()

    def job(self, held: Any) -> Any:
        job_id = held if isinstance(held, int) else held.job_id
        with self.database.read() as tx:
            return tx.conn.execute(select(job_table).where(job_table.c.id == job_id)).one()

    def rows(self, table: Any) -> list[Any]:
        with self.database.read() as tx:
            return list(tx.conn.execute(select(table).order_by(*table.primary_key.columns)).all())

    def outputs(self, job_id: int) -> list[Any]:
        return [row for row in self.rows(output_table) if row.job_id == job_id]

    def events(self, kind: str) -> list[str]:
        return [row.message for row in self.rows(event_table) if row.kind == kind]

    def jobs(self) -> Counter[str]:
        """How many jobs are in each state."""
        return Counter(row.state for row in self.rows(job_table))

    def attempts(self) -> Counter[str]:
        """How many attempts are in each state."""
        return Counter(row.state for row in self.rows(attempt_table))

    def everything(self) -> dict[str, list[Any]]:
        """Attempts, jobs, outputs and money as they stand, to show that nothing has changed."""
        tables = (attempt_table, job_table, output_table, balance_table, ledger_table)
        return {table.name: self.rows(table) for table in tables}

    def account(self) -> tuple[int, int, int]:
        """Spent, held and refund due, of the account, in total."""
        with self.database.read() as tx:
            row = tx.conn.execute(
                select(balance_table).where(
                    balance_table.c.scope == "account", balance_table.c.period == "total"
                )
            ).one_or_none()
        return (0, 0, 0) if row is None else (row.spent_micros, row.held_micros, row.refund_due_micros)

    def check_money(self) -> None:
        """Balances are the sums of the ledger, open reservations are what is held, and no cap is passed."""
        with self.database.read() as tx:
            summed: Counter[tuple[str, int, str, str]] = Counter()
            for row in tx.conn.execute(select(ledger_table)):
                deltas = (row.spent_delta, row.held_delta, row.refund_due_delta)
                for period in periods_of(row.day):
                    for scope, scope_id in (
                        ("account", 0),
                        ("campaign", row.campaign_id),
                        ("run", row.run_id),
                    ):
                        for name, delta in zip(("spent", "held", "due"), deltas, strict=True):
                            summed[scope, scope_id, period, name] += delta
            kept: Counter[tuple[str, int, str, str]] = Counter()
            for row in tx.conn.execute(select(balance_table)):
                key = (row.scope, row.scope_id, row.period)
                kept[*key, "spent"] = row.spent_micros
                kept[*key, "held"] = row.held_micros
                kept[*key, "due"] = row.refund_due_micros
            assert {k: v for k, v in kept.items() if v} == {k: v for k, v in summed.items() if v}
            sums = dict(
                tx.conn.execute(
                    select(attempt_table.c.reservation, func.sum(attempt_table.c.price_micros)).group_by(
                        attempt_table.c.reservation
                    )
                ).all()
            )
            account = {name: kept["account", 0, "total", name] for name in ("spent", "held", "due")}
            assert account == {
                "spent": sums.get("settled", 0),
                "held": sums.get("held", 0),
                "due": sums.get("refund_due", 0),
            }
            for cap in tx.conn.execute(select(budget_table)):
                for key in {key[:3] for key in kept if key[:2] == (cap.scope, cap.scope_id)}:
                    window = {5: "total", 7: "month", 10: "day"}[len(key[2])]
                    if window == cap.window:
                        counted = sum(kept[*key, name] for name in ("spent", "held", "due"))
                        assert counted <= cap.cap_micros, f"{key} counts {counted} of {cap.cap_micros}"
