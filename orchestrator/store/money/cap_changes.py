"""Every change of a cap is recorded: as an event, and beside it as an act where an operator decided it."""

from typing import Final, NamedTuple

from sqlalchemy import bindparam, delete, select

from orchestrator.core.money import format_usd
from orchestrator.core.precedence import StandingWord
from orchestrator.store.account.subjects import cap_subject
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window, budgets, events

CAP_CHANGED: Final = "cap_changed"


OPERATOR: Final = "operator"


class StandingCap(NamedTuple):
    """A cap as it is recorded, in micros, and whose word it is: of a manifest, a config or an operator."""

    cap_micros: int
    source: str
    overruled_micros: int | None = None  # the strictest word of a file that the operator has decided against

    @property
    def word(self) -> StandingWord:
        """The word that it is, for `weigh`."""
        return StandingWord(
            self.cap_micros, by_operator=self.source == OPERATOR, overruled=self.overruled_micros
        )


def standing(tx: Tx, scope: Scope, scope_id: int, window: Window) -> StandingCap | None:
    """The cap that is recorded; None where there is none."""
    row = tx.conn.execute(_STANDING, _key(scope, scope_id, window)).one_or_none()
    return None if row is None else StandingCap(*row)


def remove_cap(tx: Tx, scope: Scope, scope_id: int, window: Window) -> bool:
    """Remove a cap, with an event that says so. False when there was none."""
    old = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    tx.conn.execute(_REMOVE, _key(scope, scope_id, window))
    note_change(tx=tx, scope=scope, scope_id=scope_id, window=window, old=old, new=None)
    return old is not None


def note_change(
    tx: Tx, scope: Scope, scope_id: int, window: Window, *, old: StandingCap | None, new: StandingCap | None
) -> None:
    """Record that a cap became another one, or none: no cap changes in silence."""
    if old == new or (old and new and (old.cap_micros, old.source) == (new.cap_micros, new.source)):
        return
    subject = cap_subject(tx=tx, scope=scope, scope_id=scope_id, window=window)
    by = f", as {_WORD_OF.get(new.source, new.source)}" if new else ""
    tx.conn.execute(
        events.insert().values(
            at=tx.now,
            kind=CAP_CHANGED,
            message=f"{subject.words}: {amount(old)} became {amount(new)}{by}",
            campaign_id=subject.campaign_id,
            run_id=subject.run_id,
        )
    )


def amount(cap: StandingCap | None) -> str:
    """A cap in words, such as `$50.00`."""
    return f"${format_usd(cap.cap_micros)}" if cap else "none"


def _key(scope: Scope, scope_id: int, window: Window) -> dict[str, object]:
    return {"k_scope": scope.value, "k_id": scope_id, "k_window": window.value}


_WORD_OF: Final = {
    "manifest": "its manifest says",
    "config": "a configuration says",
    "operator": "an operator decided",
}

_IS_KEY: Final = (
    (budgets.c.scope == bindparam("k_scope"))
    & (budgets.c.scope_id == bindparam("k_id"))
    & (budgets.c.window == bindparam("k_window"))
)
_STANDING: Final = select(budgets.c.cap_micros, budgets.c.source, budgets.c.overruled_micros).where(_IS_KEY)
_REMOVE: Final = delete(budgets).where(_IS_KEY)
