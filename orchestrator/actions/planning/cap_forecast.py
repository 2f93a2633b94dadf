"""What some runs would spend, held against every cap that is about them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from orchestrator.core import budget
from orchestrator.core.specs import RunSpec
from orchestrator.settings import Settings
from orchestrator.store import views
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope, Window
from orchestrator.store.runs.campaigns import find_campaign
from orchestrator.store.runs.runs import find_run
from orchestrator.store.views import BudgetRow
from orchestrator.store.views.money import ACCOUNT_ID, balance
from orchestrator.store.views.owners import campaign_names

OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class CapForecast:
    """One cap, and what the planned jobs want of it, in micros."""

    cap: BudgetRow
    wanted_micros: int

    @property
    def fits(self) -> bool:
        """Whether everything planned can be paid under this cap."""
        return self.wanted_micros <= self.cap.remaining_micros


def caps_for(tx: Tx | None, settings: Settings, specs: Sequence[RunSpec]) -> list[BudgetRow]:
    """Every cap about these runs in its current period, as it will be once the manifests are applied.

    What an operator set has precedence over the configuration, which otherwise makes what is stored stricter, never
    looser; a run's cap is what its manifest says now. Without a database (`tx` is None) nothing was spent
    yet.
    """
    stored = views.budgets(tx, settings.budgets.timezone) if tx else []
    mine = {(Scope.ACCOUNT.value, "account")}
    mine |= {(Scope.CAMPAIGN.value, spec.campaign) for spec in specs}
    mine |= {(Scope.RUN.value, run_path(spec)) for spec in specs}
    caps = {(row.scope, row.name, row.window): row for row in stored if (row.scope, row.name) in mine}
    for scope, name, window, micros, spec in _configured(settings, specs):
        found = caps.get((scope, name, window))
        if found is not None and found.source == OPERATOR:
            continue
        if found is not None:
            cap = micros if scope == Scope.RUN else min(micros, found.cap_micros)
            caps[scope, name, window] = replace(found, cap_micros=cap)
        else:
            spent, held = (
                _counted(tx=tx, settings=settings, scope=scope, window=window, spec=spec) if tx else (0, 0)
            )
            caps[scope, name, window] = BudgetRow(
                scope=scope,
                scope_id=ACCOUNT_ID,
                name=name,
                window=window,
                cap_micros=micros,
                spent_micros=spent,
                held_micros=held,
            )
    return [caps[key] for key in sorted(caps)]


def run_path(spec: RunSpec) -> str:
    """`campaign/name/run`."""
    return f"{spec.campaign}/{spec.name}/{spec.run_key}"


def _configured(
    settings: Settings, specs: Sequence[RunSpec]
) -> Iterator[tuple[str, str, str, int, RunSpec | None]]:
    for window, micros in settings.budgets.account.items():
        yield Scope.ACCOUNT.value, "account", window, micros, None
    for spec in specs:
        for window, micros in settings.budgets.campaigns.get(spec.campaign, {}).items():
            yield Scope.CAMPAIGN.value, spec.campaign, window, micros, spec
        if spec.budget_micros is not None:
            yield Scope.RUN.value, run_path(spec), Window.TOTAL.value, spec.budget_micros, spec


def _counted(tx: Tx, settings: Settings, scope: str, window: str, spec: RunSpec | None) -> tuple[int, int]:
    """Spent and held of a scope that has no stored cap yet."""
    period = budget.period_of(window, budget.day_of(tx.now, settings.budgets.timezone))
    if spec is None:
        return balance(tx=tx, scope=scope, scope_id=ACCOUNT_ID, period=period)
    if scope == Scope.CAMPAIGN:
        known = spec.campaign in campaign_names(tx)
        return (
            balance(tx=tx, scope=scope, scope_id=find_campaign(tx, spec.campaign), period=period)
            if known
            else (0, 0)
        )
    run = find_run(tx=tx, campaign=spec.campaign, name=spec.name, run_key=spec.run_key)
    return balance(tx=tx, scope=scope, scope_id=run.id, period=period) if run else (0, 0)
