"""An operator pauses, resumes and weighs: each decision with the act that says who, and why."""

from orchestrator.store.account import pauses, workers
from orchestrator.store.account.acts import Change, Signature, change_of, record
from orchestrator.store.account.subjects import ACCOUNT, subject_of
from orchestrator.store.db.database import Tx
from orchestrator.store.runs import campaigns
from orchestrator.store.views.runs.named_runs import one_run
from orchestrator.store.views.runs.overview import RunRow

WITHOUT_A_REASON = "paused by an operator"

RUNNING, PAUSED = "running", "paused"


def pause_account(tx: Tx, signed: Signature) -> bool:
    """Stop spending everywhere; others read the reason. False when that was so already."""
    message = signed.why or WITHOUT_A_REASON
    changed = pauses.begin(
        tx, pauses.Pause(scope="account", name="", reason=pauses.BY_OPERATOR, message=message)
    )
    record(tx, signed, change_of(ACCOUNT, RUNNING if changed else PAUSED, PAUSED))
    return changed


def resume_account(tx: Tx, signed: Signature) -> bool:
    """End what `pause_account` began. False when it was not paused, and then nothing is recorded."""
    changed = pauses.end(tx=tx, scope="account", name="", reason=pauses.BY_OPERATOR)
    if changed:
        record(tx, signed, change_of(ACCOUNT, PAUSED, RUNNING))
    return changed


def pause_campaign(tx: Tx, name: str, signed: Signature) -> bool:
    """Submit nothing more of a campaign. False when that was so already."""
    changed = campaigns.pause(tx, name, signed.why or WITHOUT_A_REASON)
    _record(tx, name, signed, old=RUNNING if changed else PAUSED, new=PAUSED)
    return changed


def resume_campaign(tx: Tx, name: str, signed: Signature) -> bool:
    """Let a campaign go on. False when neither it nor one of its runs was paused."""
    changed = campaigns.resume(tx, name)
    if changed:
        _record(tx, name, signed, old=PAUSED, new=RUNNING)
    return changed


def resume_run(tx: Tx, run: str, signed: Signature) -> tuple[RunRow, bool]:
    """Let a run that a breaker paused go on, its figures counted anew; the run, and false when none did."""
    found = one_run(tx, run)
    changed = campaigns.resume_run(tx, found.id)
    if changed:
        record(tx, signed, change_of(subject_of(tx, "run", str(found.id)), PAUSED, RUNNING))
    return found, changed


def weigh_campaign(tx: Tx, name: str, weight: int, signed: Signature) -> bool:
    """Set the fair share of a campaign. False when it was that already."""
    old = campaigns.weight_of(tx, name)
    changed = campaigns.set_weight(tx, name, weight)
    if changed:
        _record(tx, name, signed, old=f"weight {old}", new=f"weight {weight}")
    return changed


def drain_worker(tx: Tx, worker_id: str, signed: Signature) -> bool:
    """Ask a worker to finish what it has and leave. False when it is finishing already, or has left."""
    changed = workers.drain(tx, worker_id)
    if changed:
        record(tx, signed, Change(f"worker {worker_id}", RUNNING, "asked to finish"))
    return changed


def _record(tx: Tx, name: str, signed: Signature, *, old: str, new: str) -> None:
    campaign = subject_of(tx, "campaign", str(campaigns.find_campaign(tx, name)))
    record(tx, signed, change_of(campaign, old, new))
