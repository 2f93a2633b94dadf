"""The words of configurations and manifests on caps, beside what stands in the database for everybody."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import and_, select

from orchestrator.core.errors import NotFoundError
from orchestrator.core.precedence import Weight, weigh
from orchestrator.store.account.acts import Signature
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Database, Tx
from orchestrator.store.db.schema import Scope, Window, budgets, campaigns
from orchestrator.store.money import ledger
from orchestrator.store.money.cap_changes import StandingCap, standing
from orchestrator.store.money.decided_caps import decide_cap
from orchestrator.store.runs.campaigns import ensure_campaign, find_campaign
from orchestrator.store.runs.runs import find_run

CONFIG: Final = "config"
MANIFEST: Final = "manifest"
Key = tuple[Scope, str, Window]
"""The scope of a cap, the name of its campaign or the path of its run (empty for the account), the window."""


@dataclass(frozen=True, slots=True)
class CapDifference:
    """A cap that a file names otherwise than the database has it; amounts in micros."""

    key: Key
    wanted_micros: int
    standing: StandingCap | None  # None: there is none yet
    weight: Weight

    def counts(self, raised: Container[object] = ()) -> bool:
        """Whether the file's word is to be taken; `raised` holds the looser ones that a person agreed to."""
        return self.weight in {Weight.FIRST, Weight.STRICTER} or (
            self.weight is Weight.LOOSER and self.key in raised
        )


def compare(tx: Tx, wanted: Mapping[Key, int]) -> list[CapDifference]:
    """Each cap that files name and that is not what stands."""
    found = []
    stored = _of_account_and_campaigns(tx) if wanted else {}
    for key, micros in wanted.items():
        stands = standing_at(tx, key) if key[0] is Scope.RUN else stored.get(key)
        weight = weigh(micros, stands.word if stands else None)
        if weight is not Weight.SAME:
            found.append(CapDifference(key=key, wanted_micros=micros, standing=stands, weight=weight))
    return found


def standing_at(tx: Tx, key: Key) -> StandingCap | None:
    """The cap that stands; None where there is none, or nothing yet that it could be over."""
    scope, name, window = key
    scope_id = find_id(tx, scope, name)
    if scope_id is None:
        return None
    return standing(tx=tx, scope=scope, scope_id=scope_id, window=window)


def _of_account_and_campaigns(tx: Tx) -> dict[Key, StandingCap]:
    """All of them at once: a configuration may name thousands."""
    return {
        (Scope(row.scope), row.name or "", Window(row.window)): StandingCap(
            row.cap_micros, row.source, row.overruled_micros
        )
        for row in tx.conn.execute(_NAMED)
    }


def take_configured(
    database: Database, wanted: Mapping[Key, int], signed: Signature, *, raised: Container[object] = ()
) -> list[CapDifference]:
    """Let files' words on caps count as far as they may, and return what was different before.

    Several files may work on one database, so none may raise a cap, or remove one that it does not name.
    When nothing changes, nothing is written.
    """
    with database.read() as tx:
        found = compare(tx, wanted)
    if any(item.counts(raised) for item in found):
        with database.write() as tx:
            found = take(tx, wanted, signed, raised=raised)
    return found


def take(
    tx: Tx, wanted: Mapping[Key, int], signed: Signature, *, raised: Container[object] = ()
) -> list[CapDifference]:
    """Write the words that count, each with who brought it; returns what was different before."""
    ids = {key: _ensure_id(tx, key[0], key[1]) for key in wanted}
    dialect.lock_inserts(tx.conn, budgets)  # of files that come together, the second sees the first's
    found = compare(tx, wanted)
    for item in found:
        if item.counts(raised):
            scope, _, window = item.key
            word = StandingCap(item.wanted_micros, MANIFEST if scope is Scope.RUN else CONFIG)
            decide_cap(tx, signed, scope=scope, scope_id=ids[item.key], window=window, new=word)
    return found


def agree(tx: Tx, differences: Mapping[Key, int], signed: Signature) -> None:
    """Make these caps what files say, whoever set them before: a person has decided so."""
    for key, micros in differences.items():
        scope, name, window = key
        scope_id = _ensure_id(tx, scope, name)
        word = StandingCap(micros, MANIFEST if scope is Scope.RUN else CONFIG)
        decide_cap(tx, signed, scope=scope, scope_id=scope_id, window=window, new=word)


def find_id(tx: Tx, scope: Scope, name: str) -> int | None:
    """The row that a cap is over; None when it is not there yet."""
    if scope is Scope.ACCOUNT:
        return ledger.ACCOUNT_ID
    if scope is Scope.CAMPAIGN:
        try:
            return find_campaign(tx, name)
        except NotFoundError:
            return None
    campaign, run_name, run_key = name.split("/", 2)
    run = find_run(tx=tx, campaign=campaign, name=run_name, run_key=run_key)
    return run.id if run else None


def _ensure_id(tx: Tx, scope: Scope, name: str) -> int:
    """The row that a cap is over; a campaign is made when it is not there, a run comes with its jobs."""
    if scope is Scope.CAMPAIGN:
        return ensure_campaign(tx, name)
    found = find_id(tx, scope, name)
    if found is None:
        raise NotFoundError(f"There is no run {name!r}. See: orchestrator status")
    return found


_NAMED: Final = (
    select(budgets, campaigns.c.name)
    .select_from(
        budgets.outerjoin(
            campaigns,
            and_(budgets.c.scope == Scope.CAMPAIGN.value, budgets.c.scope_id == campaigns.c.id),
        )
    )
    .where(budgets.c.scope != Scope.RUN.value)
)
