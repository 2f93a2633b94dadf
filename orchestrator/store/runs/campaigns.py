"""Campaigns: named owners of spend."""

import shlex
from collections.abc import Collection

from sqlalchemy import exists, select, update

from orchestrator.core.errors import NotFoundError, UsageError
from orchestrator.core.fair_share import WEIGHT_MAX
from orchestrator.store.account import pauses
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import campaigns, runs
from orchestrator.store.runs.gates import CANARY


def ensure_campaign(tx: Tx, name: str) -> int:
    """The id of the campaign with that name, created when there is none."""
    tx.conn.execute(
        dialect.insert(tx.conn, campaigns)
        .values(name=name, created_at=tx.now)
        .on_conflict_do_nothing(index_elements=["name"])
    )
    return int(tx.conn.execute(select(campaigns.c.id).where(campaigns.c.name == name)).scalar_one())


def find_campaign(tx: Tx, name: str) -> int:
    """The id of the campaign with that name; raises NotFoundError."""
    found = tx.conn.execute(select(campaigns.c.id).where(campaigns.c.name == name)).scalar()
    if found is None:
        raise NotFoundError(f"There is no campaign {name!r}. See: orchestrator campaigns list")
    return int(found)


def has_runs(tx: Tx, campaign_id: int) -> bool:
    """Whether a manifest of the campaign was ever applied."""
    return bool(tx.conn.execute(select(exists().where(runs.c.campaign_id == campaign_id))).scalar())


def weight_of(tx: Tx, name: str) -> int:
    """The fair share of the campaign with that name; raises NotFoundError."""
    campaign_id = find_campaign(tx, name)
    return int(tx.conn.execute(select(campaigns.c.weight).where(campaigns.c.id == campaign_id)).scalar_one())


def set_weight(tx: Tx, name: str, weight: int) -> bool:
    """Set the fair share of a campaign, relative to one of weight 1, from the next claim on. False when it
    was that already.
    """
    if not 1 <= weight <= WEIGHT_MAX:
        raise UsageError(f"A weight is a whole number from 1 to {WEIGHT_MAX}, not {weight}.")
    campaign_id = find_campaign(tx, name)
    changed = tx.conn.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.weight != weight)
        .values(weight=weight)
    ).rowcount
    return bool(changed)


def pause(tx: Tx, name: str, message: str) -> bool:
    """Stop claiming jobs of this campaign; what is in flight finishes. False when it was paused already."""
    campaign_id = find_campaign(tx, name)
    return pauses.begin(
        tx, pauses.Pause(scope="campaign", name=str(campaign_id), reason=pauses.BY_OPERATOR, message=message)
    )


def resume(tx: Tx, name: str) -> bool:
    """Let jobs of the campaign be claimed again, also in its runs that a guard paused. False when neither was
    paused. A run whose canary waits for approval goes on waiting: that is another decision.

    The failure rates of those runs start from zero, so that jobs which the operator has reviewed do not pause
    a run again.
    """
    campaign_id = find_campaign(tx, name)
    resumed = pauses.end(tx=tx, scope="campaign", name=str(campaign_id), reason=pauses.BY_OPERATOR)
    run_ids = set(tx.conn.execute(select(runs.c.id).where(runs.c.campaign_id == campaign_id)).scalars())
    return _resume_runs(tx, run_ids) or resumed


def resume_run(tx: Tx, run_id: int) -> bool:
    """The same for one run that a guard paused. False when none did."""
    return _resume_runs(tx, {run_id})


def _resume_runs(tx: Tx, run_ids: Collection[int]) -> bool:
    ended = [
        pause
        for pause in pauses.in_force(tx)
        if pause.scope == "run" and int(pause.name) in run_ids and pause.reason != CANARY
    ]
    for pause in ended:
        pauses.end(tx=tx, scope=pause.scope, name=pause.name, reason=pause.reason)
        tx.conn.execute(update(runs).where(runs.c.id == int(pause.name)).values(rates_since=tx.now))
    return bool(ended)


def close(tx: Tx, name: str, message: str) -> bool:
    """Buy nothing more for the campaign, and take no more jobs for it. False when it was closed already."""
    campaign_id = find_campaign(tx, name)
    changed = tx.conn.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.closed_at.is_(None))
        .values(closed_at=tx.now)
    ).rowcount
    pauses.begin(tx, pauses.Pause("campaign", str(campaign_id), pauses.CLOSED, message=message))
    return bool(changed)


def reopen(tx: Tx, name: str) -> bool:
    """Take jobs for the campaign again. False when it was not closed."""
    campaign_id = find_campaign(tx, name)
    changed = tx.conn.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id, campaigns.c.closed_at.is_not(None))
        .values(closed_at=None)
    ).rowcount
    pauses.end(tx=tx, scope="campaign", name=str(campaign_id), reason=pauses.CLOSED)
    return bool(changed)


def closed_among(tx: Tx, names: Collection[str]) -> list[str]:
    """Those of the campaigns that are closed, by name."""
    query = select(campaigns.c.name).where(campaigns.c.name.in_(names), campaigns.c.closed_at.is_not(None))
    return list(tx.conn.execute(query.order_by(campaigns.c.name)).scalars())


def closed_words(name: str) -> str:
    """What is said of a closed campaign, and how it is opened again."""
    return (
        f"Campaign {name} is closed: nothing more is bought for it. To open it again: orchestrator campaigns "
        f"reopen {shlex.quote(name)}"
    )


def refuse_closed(tx: Tx, names: Collection[str]) -> None:
    """Raise UsageError where a campaign is closed."""
    found = closed_among(tx, names)
    if found:
        raise UsageError(" ".join(closed_words(name) for name in found))
