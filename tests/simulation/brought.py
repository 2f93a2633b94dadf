"""The configurations that workers come with: the plan's own, and those of others on the same database."""

from orchestrator.settings import Limits

from .plan import PlannedFile, SimulationPlan


def file_of(plan: SimulationPlan, number: int) -> PlannedFile | None:
    """The configuration that worker `number` comes with; None: the plan's own."""
    turn = number % (len(plan.files) + 1)
    return plan.files[turn - 1] if turn else None


def limits_for(plan: SimulationPlan, number: int) -> Limits:
    """The limits of that configuration."""
    file = file_of(plan, number)
    if file is not None and file.limits is None:
        return Limits(polls_per_second=50.0, defaulted=frozenset({"concurrency", "submits_per_minute"}))
    share = 1.0 if file is None or file.limits is None else file.limits
    return Limits(
        level="gold",
        concurrency=max(1, int(plan.concurrency * share)),
        submits_per_minute=max(1, int(plan.submits_per_minute * share)),
        polls_per_second=50.0,
    )


def named_limits(plan: SimulationPlan, number: int) -> dict[str, int]:
    """What of them is written there, for the checker: not by asking the program."""
    limits = limits_for(plan, number)
    shared = {"concurrency": limits.concurrency, "submits_per_minute": limits.submits_per_minute}
    return {name: most for name, most in shared.items() if name not in limits.defaulted}
