"""What a page says after a form."""

from orchestrator.actions.choosing.redo import Redone
from orchestrator.actions.choosing.verdicts import VerdictsGiven
from orchestrator.actions.operator.approve import ApprovedRun
from orchestrator.core.money import format_usd


def verdict_words(given: VerdictsGiven, *, seen: str) -> str:
    """What a person should know: who had said otherwise since the page was made, and what was refused. Empty
    when all is as expected. `seen` is the verdict that the page showed.
    """
    told = [f"Job {each.job_id}: {each.why}." for each in given.refused]
    for each in given.judged:
        before = each.before
        if before is None or not each.changed:
            continue
        stood = str(before.opinion.verdict or "none")
        if stood == seen or before.opinion.words is None:
            continue
        told.append(
            f"Job {each.job_id}: {before.who} had said in the meantime: {before.opinion.words}. Your word is "
            "the last one; Ctrl+Z brings back the other."
        )
    return " ".join(told)


def approved_words(done: ApprovedRun) -> str:
    """What goes on now, and what it costs at most."""
    word = "is approved" if done.changed else "was approved already"
    if not done.jobs:
        return f"Run {done.run} {word}. No job waits."
    wait = "1 job waits" if done.jobs == 1 else f"{done.jobs:,} jobs wait"
    cost = f"${format_usd(done.cost_micros)} at most when made"
    return f"Run {done.run} {word}. {wait}: {cost}. Nothing is spent until `orchestrator run` or `work`."


def redone_words(done: Redone) -> str:
    """What was made, what it will cost, and what makes it."""
    told = [f"Job {each.job_id}: {each.why}." for each in done.refused]
    for each in done.tries:
        word = "waits" if each.created else "waited already"
        told.append(
            f"Job {each.job_id}, another try of job {each.of}, {word}: ${format_usd(each.price_micros)} when "
            "it is made. Nothing is spent until `orchestrator run` or `work`."
        )
    return " ".join([*told, *(f"{warning.rstrip('.')}." for warning in done.warnings)])
