"""What this month comes to with the jobs of a plan."""

from collections import Counter

from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import Scope
from orchestrator.store.views.money.forecasts import MonthForecast, month_forecasts


def ahead(tx: Tx, plan: Plan, timezone: str) -> list[MonthForecast]:
    """The forecasts of the account and of the plan's campaigns, with its new jobs among what waits."""
    planned: Counter[str] = Counter()
    for row in plan.manifests:
        planned[row.spec.campaign] += row.cost_micros
    return [
        each
        for each in month_forecasts(tx, timezone, planned=planned)
        if each.scope is Scope.ACCOUNT or each.name in planned
    ]
