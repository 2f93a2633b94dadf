"""What a plan warns of: pictures that are here, names that are taken, caps that do not suffice, prices."""

from orchestrator.actions.planning.figures.planned import Plan
from orchestrator.actions.planning.walking.found_pictures import here_words, rebuild_words
from orchestrator.core.money import format_usd


def warn(plan: Plan, drift_percent: float) -> None:
    """Add the warnings."""
    found = plan.found
    if found.jobs:
        words = here_words(found, plan.total("images"), plan.database_id)
        plan.warnings.insert(0, f"{words}: record them with `{rebuild_words(found)}`")
    if found.taken:
        plan.warnings.append(
            f"{found.taken:,} planned file name{' has' if found.taken == 1 else 's have'} a picture already: "
            "the new one takes the name of an earlier try, which is kept in .superseded/, and goes beside "
            "any other"
        )
    for item in plan.headroom:
        if not item.fits:
            plan.warnings.append(
                f"{item.cap.words} {item.cap.standing} and these jobs cost "
                f"${format_usd(item.wanted_micros)}: the rest will wait, unpaid"
            )
    plan.warnings += plan.prices.warnings(drift_percent)
    shown = plan.conflicts[:5]
    plan.warnings += [f"path conflict: {sentence}" for sentence in shown]
    if len(plan.conflicts) > len(shown):
        plan.warnings.append(f"and {len(plan.conflicts) - len(shown)} more path conflicts")
