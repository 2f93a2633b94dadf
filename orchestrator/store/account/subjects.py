"""What an event or an act is about: in people's words, and by the ids that listings are filtered by."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import RUN_PATH, Scope, Window, campaigns, runs


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that a pause, a cap or a decision is about."""

    words: str  # such as `the account` or `campaign summer-sale`
    campaign_id: int | None = None
    run_id: int | None = None


ACCOUNT: Final = Subject("the account")


def subject_of(tx: Tx, scope: str, name: str) -> Subject:
    """The subject of a scope; `name` is the id as text of a campaign or a run, else the name itself."""
    match scope:
        case "account":
            return ACCOUNT
        case "campaign":
            known = tx.conn.execute(_CAMPAIGN, {"id": int(name)}).scalar()
            return Subject(f"campaign {known or name}", campaign_id=int(name))
        case "run":
            row = tx.conn.execute(_RUN, {"id": int(name)}).one_or_none()
            if row is None:
                return Subject(f"run {name}", run_id=int(name))
            return Subject(f"run {row.run}", campaign_id=row.campaign_id, run_id=int(name))
        case _:
            return Subject(f"{scope} {name}")


def cap_subject(tx: Tx, scope: Scope, scope_id: int, window: Window) -> Subject:
    """A cap as a subject, such as `day cap of campaign summer-sale`."""
    owner = subject_of(tx, scope.value, str(scope_id))
    kind = "cap" if window is Window.TOTAL else f"{window.value} cap"
    return Subject(f"{kind} of {owner.words}", campaign_id=owner.campaign_id, run_id=owner.run_id)


_CAMPAIGN: Final = select(campaigns.c.name).where(campaigns.c.id == bindparam("id"))
_RUN: Final = (
    select(runs.c.campaign_id, RUN_PATH.label("run"))
    .join_from(runs, campaigns)
    .where(runs.c.id == bindparam("id"))
)
