"""How a starting worker's configuration may change the account's limits, which all workers share."""

from dataclasses import dataclass

from sqlalchemy import exists, select

from orchestrator.store.account.rate_limits import configure
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import limits, workers


@dataclass(frozen=True, slots=True)
class LimitPair:
    """Tasks at the provider at one time, and paid requests a minute."""

    concurrency: int
    submits_per_minute: int

    @property
    def words(self) -> str:
        """Both, for messages."""
        return f"{self.concurrency:,} tasks at once and {self.submits_per_minute:,} submits a minute"


@dataclass(frozen=True, slots=True)
class ConfiguredLimits:
    """The limits of a configuration. Those in `defaulted` are not set there, so the stored ones prevail over
    them.
    """

    limits: LimitPair
    defaulted: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class TakenLimits:
    """What became of the limits of a configuration."""

    before: LimitPair | None  # None: nothing was stored
    asked: LimitPair  # what the configuration alone would set
    now: LimitPair
    alone: bool  # no other worker is alive

    @property
    def words(self) -> str | None:
        """A notice for the operator: this worker changes the limits of the others, or theirs prevail over
        its own.
        """
        if self.alone or self.before is None:
            return None
        parts = []
        if self.now != self.before:
            parts.append(
                f"The limits of all workers are stricter now, as this configuration says: {self.now.words} "
                f"(before: {self.before.words})."
            )
        if self.now != self.asked:
            parts.append(
                f"The limits in force are stricter than this configuration, and stay: {self.now.words}. It "
                f"asks for {self.asked.words}."
            )
        if parts:
            parts.append(
                "To raise them: give every worker the same limits, stop them all, and start them again; "
                "only a worker that starts alone raises limits."
            )
        return " ".join(parts) or None


def take_configured(tx: Tx, worker_id: str, wanted: ConfiguredLimits) -> TakenLimits:
    """Take the limits of a worker when they are the first or stricter, or when no other worker is alive.

    The limits belong to the account, so the last worker to start must not raise them for all. A worker that
    is alone is the whole fleet: its configuration is what the operator wants. The account's row is locked, so
    that of two workers that start together the second sees the limits of the first.
    """
    if _are_the_first(tx, wanted.limits):
        return TakenLimits(None, wanted.limits, wanted.limits, alone=True)
    before = _locked(tx)
    alone = not _others_live(tx, worker_id)
    asked = LimitPair(
        _asked(wanted, before, "concurrency"),
        _asked(wanted, before, "submits_per_minute"),
    )
    now = asked if alone else _stricter(asked, before)
    if now != before:
        configure(tx, concurrency=now.concurrency, submits_per_minute=now.submits_per_minute)
    return TakenLimits(before=before, asked=asked, now=now, alone=alone)


def _asked(wanted: ConfiguredLimits, before: LimitPair, name: str) -> int:
    return int(getattr(before if name in wanted.defaulted else wanted.limits, name))


def _stricter(one: LimitPair, other: LimitPair) -> LimitPair:
    return LimitPair(
        min(one.concurrency, other.concurrency), min(one.submits_per_minute, other.submits_per_minute)
    )


def _are_the_first(tx: Tx, pair: LimitPair) -> bool:
    row = {"id": 1, "concurrency": pair.concurrency, "submits_per_minute": pair.submits_per_minute}
    statement = dialect.insert(tx.conn, limits).values(row).on_conflict_do_nothing(index_elements=["id"])
    return tx.conn.execute(statement.returning(limits.c.id)).scalar() is not None


def _locked(tx: Tx) -> LimitPair:
    query = select(limits.c.concurrency, limits.c.submits_per_minute).where(limits.c.id == 1)
    return LimitPair(*tx.conn.execute(dialect.lock_rows(tx.conn, query)).one())


def _others_live(tx: Tx, worker_id: str) -> bool:
    """Whether another worker may submit: it was seen within its lease, and is not gone or finishing."""
    other = exists().where(
        workers.c.id != worker_id,
        workers.c.stopped_at.is_(None),
        workers.c.lost_at.is_(None),
        workers.c.draining_at.is_(None),
        workers.c.seen_at + workers.c.lease_ms >= tx.now,
    )
    return bool(tx.conn.execute(select(other)).scalar())
