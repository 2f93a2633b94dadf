"""Bugs planted in the words of files on caps and limits, where several work on one database."""

from sqlalchemy import delete

from orchestrator.core.precedence import Weight
from orchestrator.store.account import configured_limits
from orchestrator.store.account.configured_limits import ConfiguredLimits
from orchestrator.store.db.schema import budgets as budget_table
from orchestrator.store.money import budgets

from .planting import Mutation, Patch


def later_file_wins(patch: Patch) -> None:
    """The word of the file that came last counts, though it is looser."""
    for module in (budgets, configured_limits):
        genuine = module.weigh

        def weigh(wanted, standing, genuine=genuine):
            weight = genuine(wanted, standing)
            return Weight.STRICTER if weight is Weight.LOOSER else weight

        patch(module, "weigh", weigh)


def unnamed_cap_is_removed(patch: Patch) -> None:
    """A cap that the last file does not name is gone."""
    genuine = budgets.take_configured

    def take_configured(database, wanted, signed, **more):
        found = genuine(database, wanted, signed, **more)
        with database.write() as tx:
            tx.conn.execute(delete(budget_table).where(budget_table.c.scope == "account"))
            budgets.take(tx, wanted, signed)
        return found

    patch(budgets, "take_configured", take_configured)


def default_is_a_word(patch: Patch) -> None:
    """What a file does not name counts as if it had named what is built in."""
    patch(ConfiguredLimits, "named", lambda self: dict(self.numbers))


WORD_BUGS = (
    Mutation("later file wins", later_file_wins, "caps"),
    Mutation("unnamed cap is removed", unnamed_cap_is_removed, "caps"),
    Mutation("default is a word", default_is_a_word, "caps", first=4),
)
