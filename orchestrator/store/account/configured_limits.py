"""The account's limits, which all workers share: whose words they are, and which words of files count."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from sqlalchemy import select

from orchestrator.core.precedence import StandingWord, Weight, weigh
from orchestrator.store.account.acts import Change, Signature, record
from orchestrator.store.db import dialect
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import LimitSource, limits


class LimitName(StrEnum):
    """The limits that the fleet shares."""

    CONCURRENCY = "concurrency"  # tasks at the provider at one time
    SUBMITS = "submits_per_minute"  # paid requests a minute


@dataclass(frozen=True, slots=True)
class ConfiguredLimits:
    """The limits of a configuration, each known by its name. Those in `defaulted` are not set there: they
    count where nothing else is known.
    """

    numbers: Mapping[LimitName, int]
    defaulted: frozenset[str] = frozenset()

    def named(self) -> dict[LimitName, int]:
        """What the configuration itself says."""
        return {name: number for name, number in self.numbers.items() if name not in self.defaulted}


WORD_OF: Final = {
    LimitSource.DEFAULT: "built in",
    LimitSource.CONFIG: "a file's word",
    LimitSource.OPERATOR: "a person's word",
}
"""Whose word a limit is, as an act says it that changes only that."""


class FleetLimit(NamedTuple):
    """A limit in force, and whose word it is."""

    value: int
    source: LimitSource
    overruled: int | None = None  # the strictest word of a file that the operator has decided against

    @property
    def word(self) -> StandingWord:
        """The word that it is, for `weigh`."""
        return StandingWord(
            self.value,
            by_default=self.source is LimitSource.DEFAULT,
            by_operator=self.source is LimitSource.OPERATOR,
            overruled=self.overruled,
        )


@dataclass(frozen=True, slots=True)
class LimitDifference:
    """A limit that a file names otherwise than the database has it."""

    name: LimitName
    wanted: int
    standing: FleetLimit | None  # None: no worker was here yet
    weight: Weight

    def counts(self, raised: Container[object] = ()) -> bool:
        """Whether the file's word is to be taken; `raised` holds the looser ones that a person agreed to."""
        return self.weight in {Weight.FIRST, Weight.STRICTER} or (
            self.weight is Weight.LOOSER and self.name in raised
        )


def limits_in_force(tx: Tx, *, lock: bool = False) -> dict[LimitName, FleetLimit]:
    """Every limit; none before the first worker or `limits set`."""
    row = tx.conn.execute(dialect.lock_rows(tx.conn, _ALL) if lock else _ALL).one_or_none()
    if row is None:
        return {}
    return {
        name: FleetLimit(
            getattr(row, name),
            LimitSource(getattr(row, f"{name}_source")),
            getattr(row, f"{name}_overruled"),
        )
        for name in LimitName
    }


def compare(stored: Mapping[LimitName, FleetLimit], wanted: ConfiguredLimits) -> list[LimitDifference]:
    """Each limit that a file names and that is not what stands."""
    found = []
    for name, number in wanted.named().items():
        stands = stored.get(name)
        weight = weigh(number, stands.word if stands else None)
        if weight is not Weight.SAME:
            found.append(LimitDifference(name=name, wanted=number, standing=stands, weight=weight))
    return found


def take_configured(
    tx: Tx, wanted: ConfiguredLimits, signed: Signature, *, raised: Container[object] = ()
) -> list[LimitDifference]:
    """Let a file's words on limits count as far as they may; returns what was different before.

    The limits belong to the account, so the last worker to start must not raise them for all. The row is
    locked, so that of two workers that start together the second sees the limits of the first.
    """
    stored = limits_in_force(tx, lock=True) or _begin(tx, wanted, signed)
    found = compare(stored, wanted)
    decide(
        tx,
        {item.name: FleetLimit(item.wanted, LimitSource.CONFIG) for item in found if item.counts(raised)},
        signed,
    )
    return found


def decide(tx: Tx, new: Mapping[LimitName, FleetLimit], signed: Signature) -> list[LimitName]:
    """Set limits, each with who did it; returns those that were something else before. There is a row.

    The same number as another one's word is a change too: a person's stands over what files say. The act then
    says whose word it was and is.
    """
    stored = limits_in_force(tx, lock=True)
    changed = []
    for name, limit in new.items():
        before = stored[name]
        if before != limit:
            tx.conn.execute(limits.update().values(_columns({name: limit})))
        if (before.value, before.source) == (limit.value, limit.source):
            continue
        changed.append(name)
        old, now = str(before.value), str(limit.value)
        if old == now:
            old, now = f"{old}, {WORD_OF[before.source]}", f"{now}, {WORD_OF[limit.source]}"
        record(tx, signed, Change(subject_of(name), old, now))
    return changed


def begin(tx: Tx, wanted: ConfiguredLimits, signed: Signature) -> None:
    """Write the limits of a configuration where there are none yet."""
    if not limits_in_force(tx, lock=True):
        _begin(tx, wanted, signed)


def subject_of(name: LimitName) -> str:
    """What an act on a limit is about."""
    return f"limit {name.value}"


def _begin(tx: Tx, wanted: ConfiguredLimits, signed: Signature) -> dict[LimitName, FleetLimit]:
    """The first words, and defaults where there is none; of two that come together one is the first."""
    first = {
        name: FleetLimit(number, LimitSource.DEFAULT if name in wanted.defaulted else LimitSource.CONFIG)
        for name, number in wanted.numbers.items()
    }
    statement = dialect.insert(tx.conn, limits).values({"id": 1, **_columns(first)})
    made = tx.conn.execute(statement.on_conflict_do_nothing(index_elements=["id"]).returning(limits.c.id))
    if made.scalar() is not None:
        for name in wanted.named():
            record(tx, signed, Change(subject_of(name), None, str(first[name].value)))
    return limits_in_force(tx, lock=True)


def _columns(values: Mapping[LimitName, FleetLimit]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name, limit in values.items():
        columns |= {
            name.value: limit.value,
            f"{name.value}_source": limit.source.value,
            f"{name.value}_overruled": limit.overruled,
        }
    return columns


_ALL: Final = select(limits).where(limits.c.id == 1)
