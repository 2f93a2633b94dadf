"""How long a plan takes."""

from orchestrator import catalogue
from orchestrator.actions.planning.figures.estimate import Estimate, Pace, estimate
from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.store.account import latencies
from orchestrator.store.db.database import Tx


def how_long(tx: Tx | None, plan: Plan, pace: Pace) -> Estimate:
    """The slowest of the models decides; they share the account's limits. Stages come one after another; how
    long people take to accept pictures is not known.
    """
    seconds, source = 0.0, ""
    for model in {row.spec.model for row in plan.manifests if row.to_submit}:
        measured = latencies.get(tx, model) if tx else None
        guess = catalogue.get(model).latency
        typical = measured.p50_ms / 1000 if measured else guess.seconds_typical
        if typical >= seconds:
            seconds, source = typical, "measured" if measured else guess.source
    return estimate(
        jobs=plan.total("to_submit"),
        pace=pace,
        latency_seconds=seconds,
        latency_source=source,
        hops=max((row.stages.hops(row.tally.stages()) for row in plan.manifests), default=1),
    )
