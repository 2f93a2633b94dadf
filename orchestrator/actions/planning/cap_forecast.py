"""What some runs would spend, held against every cap that is about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.core import budget
from orchestrator.core.errors import NotFoundError
from orchestrator.core.specs import RunSpec
from orchestrator.settings import Settings
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.money.budgets import CONFIG
from orchestrator.store.money.caps import NOTHING, Cap, balance, caps_in_force
from orchestrator.store.money.ledger import ACCOUNT_ID
from orchestrator.store.runs.campaigns import find_campaign
from orchestrator.store.runs.runs import find_run

OPERATOR = "operator"
MANIFEST = "manifest"


@dataclass(frozen=True, slots=True)
class CapForecast:
    """One cap, and what the planned jobs want of it, in micros."""

    cap: Cap
    wanted_micros: int

    @property
    def fits(self) -> bool:
        """Whether everything planned can be paid under this cap."""
        return self.wanted_micros <= self.cap.remaining_micros


def caps_for(tx: Tx | None, settings: Settings, specs: Sequence[RunSpec]) -> list[Cap]:
    """Every cap about these runs in its current period, as it will be once the manifests are applied.

    What an operator set has precedence over the configuration, which otherwise makes what is stored stricter,
    never looser; a run's cap is what its manifest says now. Without a database (`tx` is None) nothing was
    spent yet.
    """
    stored = caps_in_force(tx, _today(tx, settings)) if tx else []
    mine = {(Scope.ACCOUNT, "account")}
    mine |= {(Scope.CAMPAIGN, spec.campaign) for spec in specs}
    mine |= {(Scope.RUN, run_path(spec)) for spec in specs}
    caps = {(cap.scope, cap.name, cap.window): cap for cap in stored if (cap.scope, cap.name) in mine}
    for wanted in _configured(settings, specs):
        key = (wanted.scope, wanted.name, wanted.window)
        found = caps.get(key)
        if found is None:
            caps[key] = _not_stored(tx, settings, wanted)
        elif found.source != OPERATOR:
            is_run = wanted.scope is Scope.RUN
            micros = wanted.micros if is_run else min(wanted.micros, found.cap_micros)
            caps[key] = replace(found, cap_micros=micros)
    return [caps[key] for key in sorted(caps)]


def run_path(spec: RunSpec) -> str:
    """`campaign/name/run`."""
    return f"{spec.campaign}/{spec.name}/{spec.run_key}"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A cap of the configuration or of a manifest."""

    scope: Scope
    name: str
    window: Window
    micros: int
    spec: RunSpec | None  # whose campaign or run it is over


def _configured(settings: Settings, specs: Sequence[RunSpec]) -> Iterator[_Wanted]:
    for window, micros in settings.budgets.account.items():
        yield _Wanted(scope=Scope.ACCOUNT, name="account", window=Window(window), micros=micros, spec=None)
    for spec in specs:
        for window, micros in settings.budgets.campaigns.get(spec.campaign, {}).items():
            yield _Wanted(
                scope=Scope.CAMPAIGN, name=spec.campaign, window=Window(window), micros=micros, spec=spec
            )
        if spec.budget_micros is not None:
            yield _Wanted(
                scope=Scope.RUN,
                name=run_path(spec),
                window=Window.TOTAL,
                micros=spec.budget_micros,
                spec=spec,
            )


def _not_stored(tx: Tx | None, settings: Settings, wanted: _Wanted) -> Cap:
    """A cap that applying will store, with what counts under it already."""
    scope_id = _scope_id(tx, wanted) if tx else None
    period, counted = "", NOTHING
    if tx is not None and scope_id is not None:
        period = budget.period_of(wanted.window, _today(tx, settings))
        counted = balance(tx, (wanted.scope.value, scope_id, period))
    return Cap(
        scope=wanted.scope,
        scope_id=scope_id or 0,
        name=wanted.name,
        window=wanted.window,
        period=period,
        cap_micros=wanted.micros,
        spent_micros=counted.spent_micros,
        held_micros=counted.held_micros,
        refund_due_micros=counted.refund_due_micros,
        source=MANIFEST if wanted.scope is Scope.RUN else CONFIG,
    )


def _scope_id(tx: Tx, wanted: _Wanted) -> int | None:
    """The row a cap is over; None when applying will make it."""
    spec = wanted.spec
    if spec is None:
        return ACCOUNT_ID
    if wanted.scope is Scope.RUN:
        run = find_run(tx=tx, campaign=spec.campaign, name=spec.name, run_key=spec.run_key)
        return run.id if run else None
    try:
        return find_campaign(tx, spec.campaign)
    except NotFoundError:
        return None


def _today(tx: Tx, settings: Settings) -> str:
    return budget.day_of(tx.now, settings.budgets.timezone)
