"""Bugs planted in what people decide, and in whose a refused key is."""

from sqlalchemy import update

from orchestrator.store.account import pauses, workers
from orchestrator.store.db.schema import budgets
from orchestrator.store.money import decided_caps
from orchestrator.worker.durable import write_durably
from orchestrator.worker.guards import account_pauses
from orchestrator.worker.guards.key_guard import KeyGuard

from .planting import Mutation, Patch


def cap_is_nobodys_act(patch: Patch) -> None:
    """A cap is set, and nobody records who decided so."""
    patch(decided_caps, "record", lambda tx, signed, change: None)


def worker_brings_its_caps(patch: Patch) -> None:
    """A worker that starts makes the caps equal to its own file, which names other ones."""
    genuine = workers.register

    def register(tx, worker):
        genuine(tx, worker)
        tx.conn.execute(update(budgets).values(cap_micros=budgets.c.cap_micros * 2))

    patch(workers, "register", register)


def key_is_the_accounts(patch: Patch) -> None:
    """The refused key of one worker pauses the account for all."""

    async def tell(self, message):
        row = pauses.Pause(scope="account", name="", reason="key_refused", message=message)
        await write_durably(self._deps, account_pauses.begin_pause, row)

    patch(KeyGuard, "_tell", tell)


DECISION_BUGS = (
    Mutation("cap is nobody's act", cap_is_nobodys_act, "caps"),
    Mutation("worker brings its caps", worker_brings_its_caps, "caps"),
    Mutation(name="key is the account's", apply=key_is_the_accounts, theme="mixed", first=11),
)
