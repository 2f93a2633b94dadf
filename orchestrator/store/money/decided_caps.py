"""Caps that an operator sets or takes away: the change and the act that explains it are one transaction."""

from orchestrator.store.account.acts import Signature, change_of, record
from orchestrator.store.account.subjects import cap_subject
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money.cap_changes import StandingCap, amount, remove_cap, standing
from orchestrator.store.money.caps import set_cap


def decide_cap(
    tx: Tx, signed: Signature, *, scope: Scope, scope_id: int, window: Window, new: StandingCap | None
) -> bool:
    """Set the cap (None: take it away) and record who decided so. False when it was just that already, and
    then nothing is written.
    """
    old = standing(tx=tx, scope=scope, scope_id=scope_id, window=window)
    if old == new:
        return False
    if new is None:
        remove_cap(tx=tx, scope=scope, scope_id=scope_id, window=window)
    else:
        set_cap(
            tx=tx,
            scope=scope,
            scope_id=scope_id,
            window=window,
            cap_micros=new.cap_micros,
            source=new.source,
            overruled_micros=new.overruled_micros,
        )
    subject = cap_subject(tx=tx, scope=scope, scope_id=scope_id, window=window)
    record(tx, signed, change_of(subject, _words(old, new), _words(new, old)))
    return True


def _words(cap: StandingCap | None, other: StandingCap | None) -> str | None:
    """The amount, and whose word it is where that is all that changes."""
    if cap is None:
        return None
    by = f", set by {cap.source}" if other and other.cap_micros == cap.cap_micros else ""
    return f"{amount(cap)}{by}"
