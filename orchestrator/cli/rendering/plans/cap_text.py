"""A plan in terms of its caps, in words: what they let through, what makes the rest fit, what is asked."""

import shlex
from typing import Final

from orchestrator.actions.planning.figures.affordable import Affordable
from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.cli.rendering.plans.content_text import plural
from orchestrator.cli.rendering.words import count, safe, usd
from orchestrator.core.ticks import WhenShort
from orchestrator.store.db.schema import Scope


def covered(plan: Plan) -> list[str]:
    """What the caps let through of the plan, and how it would fit; nothing when all of it does."""
    found = plan.affordable
    if found is None or found.jobs >= plan.jobs_to_submit:
        return []
    whole = count(plan.images_to_submit, "picture")
    return [
        f"covers {found.images:,} of {whole} ({usd(found.cost_micros)}){_products(found)}",
        _fitting(plan),
        *_ticks(plan),
    ]


def _ticks(plan: Plan) -> list[str]:
    """What becomes of the ticks of schedules whose money is too little."""
    found = []
    for row in plan.manifests:
        if row.when_short is not None:
            whose = (
                "its schedule" if len(plan.manifests) == 1 else f"the schedule of {safe(row.spec.name, 40)}"
            )
            found.append(f"a tick of {whose} {_SHORT[row.when_short]} (when_short: {row.when_short.value})")
    return found


_SHORT: Final = {
    WhenShort.PARTIAL: "makes what fits, every product first",
    WhenShort.SKIP: "is skipped then, and makes nothing",
}


def question(plan: Plan) -> str:
    """What a person is asked before money is spent: never for more than the caps let through."""
    found, jobs = plan.affordable, plan.jobs_to_submit
    if found is not None and found.jobs < jobs:
        if not found.jobs:
            return (
                f"Record {count(jobs, 'job')}? The cap lets nothing through now, so $0.00 is spent. "
                "Type y to record them"
            )
        return (
            f"Spend up to {usd(found.cost_micros)} ({found.images:,} of "
            f"{count(plan.images_to_submit, 'picture')}; the cap stops the rest)? Type y to spend it"
        )
    return f"Submit {count(jobs, 'job')} for {amount(plan)}? Type y to spend it"


def amount(plan: Plan) -> str:
    """What would be spent, and how much of it is for jobs that nobody asks for any more."""
    found, others = plan.affordable, plan.others_to_submit
    if found is not None and found.jobs < plan.jobs_to_submit:
        return f"up to {usd(found.cost_micros)}"
    besides = (
        f" ({count(others.jobs, 'job')} of it for {usd(others.cost_micros)} not in the manifest any more)"
    )
    return usd(plan.micros_to_pay) + (besides if others else "")


def whose_cap(plan: Plan) -> list[str]:
    """Where only runs are capped: that another run key brings another cap, and how all are capped at once."""
    scopes = {item.cap.scope for item in plan.headroom}
    campaigns = {row.spec.campaign for row in plan.manifests}
    if scopes != {Scope.RUN} or len(campaigns) != 1:
        return []
    (item, *_rest) = plan.headroom
    command = f"orchestrator budget set {shlex.quote(f'campaign:{campaigns.pop()}')} --total USD"
    each = f"each run key has its own cap of {usd(item.cap.cap_micros)}"
    return [f"{each}; one for all: `campaign_budget:` in the manifest, or {safe(command)}"]


def _products(found: Affordable) -> str:
    if found.products <= 1:
        return ""
    noun = plural(found.product) if found.product else "products"
    return f": {found.whole:,} of {found.products:,} {noun} whole, {found.reached:,} with a picture"


def _fitting(plan: Plan) -> str:
    over = max(item.wanted_micros - item.cap.remaining_micros for item in plan.headroom)
    ways = [f"{safe(cut.words, 60)} (-{usd(cut.saves_micros)})" for cut in plan.cuts]
    if not ways:
        return f"fits with {usd(over)} more"
    pruned = ", then --prune" if plan.total("waiting") else ""
    return f"fits with {' or '.join(ways)}{pruned}; or with {usd(over)} more"
