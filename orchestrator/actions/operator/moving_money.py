"""Moving money between the caps of two runs of a campaign: what one gives up the other gets."""

from dataclasses import dataclass

from orchestrator.core.errors import UsageError
from orchestrator.core.money import format_usd
from orchestrator.store.account import rate_limits
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money.cap_changes import OPERATOR, StandingCap, standing
from orchestrator.store.money.caps import balance
from orchestrator.store.money.decided_caps import decide_cap
from orchestrator.store.views.runs.named_runs import one_run, path_of
from orchestrator.store.views.runs.overview import RunRow


@dataclass(frozen=True, slots=True)
class Moved:
    """The caps of both runs afterwards, in micros."""

    source: str
    source_micros: int
    target: str
    target_micros: int


def move_money(tx: Tx, micros: int, *, source: str, target: str, signed: Signature) -> Moved:
    """Take so much from the cap of one run and add it to that of another of its campaign.

    What is spent, held or due of the first stays under its cap. Claims are locked out before anything is
    read, so that none is under way that was decided by the old cap.
    """
    rate_limits.lock(tx)
    giver, taker = one_run(tx, source), one_run(tx, target)
    _require_siblings(giver, taker, micros)
    gives, gets = _cap(tx, giver), _cap(tx, taker)
    counted = sum(balance(tx, (Scope.RUN.value, giver.id, "total")))
    movable = max(0, gives.cap_micros - counted)
    if micros > movable:
        raise UsageError(
            f"Run {path_of(giver)} can give at most ${format_usd(movable)}: ${format_usd(counted)} of its "
            f"${format_usd(gives.cap_micros)} is spent or held. Nothing was moved."
        )
    new = (gives.cap_micros - micros, gets.cap_micros + micros)
    for run, stands, cap_micros in zip((giver, taker), (gives, gets), new, strict=True):
        word = StandingCap(cap_micros, OPERATOR, stands.word.files_said)
        decide_cap(tx, signed, scope=Scope.RUN, scope_id=run.id, window=Window.TOTAL, new=word)
    return Moved(source=path_of(giver), source_micros=new[0], target=path_of(taker), target_micros=new[1])


def _require_siblings(giver: RunRow, taker: RunRow, micros: int) -> None:
    if micros <= 0:
        raise UsageError("Say how much to move, such as 5.00. Nothing was moved.")
    if giver.id == taker.id:
        raise UsageError(f"Both are run {path_of(giver)}. Nothing was moved.")
    if giver.campaign != taker.campaign:
        raise UsageError(
            f"Run {path_of(giver)} and run {path_of(taker)} are of two campaigns; money moves within one. "
            "Nothing was moved."
        )


def _cap(tx: Tx, run: RunRow) -> StandingCap:
    found = standing(tx=tx, scope=Scope.RUN, scope_id=run.id, window=Window.TOTAL)
    if found is None:
        raise UsageError(
            f"Run {path_of(run)} has no cap, and money moves between caps. Set one: orchestrator budget set "
            f"run:{path_of(run)} --total USD"
        )
    return found
