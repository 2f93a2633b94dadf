"""An operator closes a campaign and opens it again: each with the act that says who, and why."""

from dataclasses import dataclass

from orchestrator.actions.operator.change_jobs import cancel_jobs
from orchestrator.store.account.acts import Signature, change_of, record
from orchestrator.store.account.subjects import subject_of
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.runs import campaigns
from orchestrator.store.views.jobs.walk import JobFilter

OPEN, CLOSED = "open", "closed"


@dataclass(frozen=True, slots=True)
class CampaignClosed:
    """What closing did."""

    changed: bool  # False: it was closed already
    cancelled: int  # jobs that waited
    after_attempt: int  # jobs under way: their pictures are collected, and without any they end cancelled


def close_campaign(database: Database, name: str, signed: Signature) -> CampaignClosed:
    """Buy nothing more for a campaign. It is closed first, so that no worker takes a job and no manifest adds
    one while its waiting jobs are cancelled; done again after a crash, it cancels the rest.
    """
    with database.write() as tx:
        changed = campaigns.close(tx, name, signed.why or "closed by an operator")
        if changed:
            _record(tx, name, signed, old=OPEN, new=CLOSED)
    done = cancel_jobs(database, JobFilter(campaign=name), signed)
    return CampaignClosed(changed, len(done.moved), len(done.after_attempt))


def reopen_campaign(tx: Tx, name: str, signed: Signature) -> bool:
    """Take jobs for it again. False when it was not closed, and then nothing is recorded."""
    changed = campaigns.reopen(tx, name)
    if changed:
        _record(tx, name, signed, old=CLOSED, new=OPEN)
    return changed


def _record(tx: Tx, name: str, signed: Signature, *, old: str, new: str) -> None:
    subject = subject_of(tx, "campaign", str(campaigns.find_campaign(tx, name)))
    record(tx, signed, change_of(subject, old, new))
