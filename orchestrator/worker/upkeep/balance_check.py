"""The cross-check of a bill of implausible size: what has left the account meanwhile."""

from orchestrator.core.bill_size import Basis
from orchestrator.core.provider_facts import BILL_MARGIN_MS
from orchestrator.ports import Balance
from orchestrator.ports.paging import bill_all
from orchestrator.store.money import balance_mark
from orchestrator.worker.deps import Deps


async def balance_shows(deps: Deps) -> Basis:
    """Whether the account's balance fell by what was held or by what the bill says; UNKNOWN when balance or
    bill cannot be read, or it is neither.
    """
    with deps.database.read() as tx:
        mark, now = balance_mark.read(tx), tx.now
    if mark is None:
        return Basis.UNKNOWN
    bill = await bill_all(
        deps.provider, deps.clock, start_ms=mark.at - BILL_MARGIN_MS, end_ms=now + BILL_MARGIN_MS
    )
    balance = await deps.provider.balance()
    if bill is None or not bill.complete or not isinstance(balance, Balance):
        return Basis.UNKNOWN
    with deps.database.read() as tx:
        return balance_mark.basis(tx, bill.records, balance.micros)
