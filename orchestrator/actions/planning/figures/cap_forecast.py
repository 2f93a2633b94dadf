"""What some runs would spend, held against every cap that is about them."""

from collections.abc import Container
from dataclasses import dataclass, replace

from orchestrator.actions.operator.fleet_words import FileWords, run_path
from orchestrator.core import budget
from orchestrator.core.specs import RunSpec
from orchestrator.settings import Settings
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope
from orchestrator.store.money.budgets import CONFIG, MANIFEST, Key, compare, find_id
from orchestrator.store.money.caps import NOTHING, Cap, balance, caps_in_force


@dataclass(frozen=True, slots=True)
class CapForecast:
    """One cap, and what the planned jobs want of it, in micros."""

    cap: Cap
    wanted_micros: int

    @property
    def fits(self) -> bool:
        """Whether everything planned can be paid under this cap."""
        return self.wanted_micros <= self.cap.remaining_micros

    def is_about(self, spec: RunSpec) -> bool:
        """Whether the jobs of this run count under the cap."""
        return is_about(self.cap, spec)


def is_about(cap: Cap, spec: RunSpec) -> bool:
    """Whether the jobs of a run count under a cap."""
    if cap.scope is Scope.ACCOUNT:
        return True
    return cap.name == (spec.campaign if cap.scope is Scope.CAMPAIGN else run_path(spec))


def caps_for(tx: Tx | None, words: FileWords, *, raised: Container[object] = ()) -> list[Cap]:
    """Every cap about these runs in its current period, as it will be once the manifests are applied.

    Words of files are taken by the rule of `core/precedence.py`, and looser ones where a person has agreed
    (`raised`). Without a database (`tx` is None) nothing was spent yet.
    """
    specs = words.specs
    mine = {(Scope.ACCOUNT, "account")}
    mine |= {(Scope.CAMPAIGN, spec.campaign) for spec in specs}
    mine |= {(Scope.RUN, run_path(spec)) for spec in specs}
    stored = caps_in_force(tx, _today(tx, words.settings)) if tx else []
    caps = {(cap.scope, cap.name, cap.window): cap for cap in stored if (cap.scope, cap.name) in mine}
    wanted = {key: micros for key, micros in words.caps.items() if (key[0], key[1] or "account") in mine}
    counting = {item.key for item in compare(tx, wanted) if item.counts(raised)} if tx else wanted.keys()
    for key in counting:
        scope, name, window = key
        place = (scope, name or "account", window)
        found = caps.get(place)
        caps[place] = (
            replace(found, cap_micros=wanted[key])
            if found
            else _not_stored(tx, words.settings, key, micros=wanted[key])
        )
    return [caps[place] for place in sorted(caps)]


def _not_stored(tx: Tx | None, settings: Settings, key: Key, *, micros: int) -> Cap:
    """A cap that applying will store, with what counts under it already."""
    scope, name, window = key
    scope_id = find_id(tx, scope, name) if tx else None
    period, counted = "", NOTHING
    if tx is not None and scope_id is not None:
        period = budget.period_of(window, _today(tx, settings))
        counted = balance(tx, (scope.value, scope_id, period))
    return Cap(
        scope=scope,
        scope_id=scope_id or 0,
        name=name or "account",
        window=window,
        period=period,
        cap_micros=micros,
        spent_micros=counted.spent_micros,
        held_micros=counted.held_micros,
        refund_due_micros=counted.refund_due_micros,
        source=MANIFEST if scope is Scope.RUN else CONFIG,
    )


def _today(tx: Tx, settings: Settings) -> str:
    return budget.day_of(tx.now, settings.budgets.timezone)
