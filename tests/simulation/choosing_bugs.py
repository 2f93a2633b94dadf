"""Bugs planted in verdicts and other tries."""

from orchestrator.core.verdicts import UNJUDGED
from orchestrator.store.choosing import new_tries, verdicts
from orchestrator.store.runs import unrequested

from .planting import Mutation, Patch


def redo_is_pruned(patch: Patch) -> None:
    """A prune takes what `redo` asked for as left over by the manifest."""
    patch(
        unrequested,
        "_WAITING_TRIES",
        unrequested._WAITING_TRIES.where(unrequested.jobs.c.id < 0),
    )


def redo_has_the_key_of_its_job(patch: Patch) -> None:
    """Another try counts as the job that is there already, and is never made."""
    patch(
        new_tries,
        "_keys",
        lambda tx, run_id, wanted: {item.source.job_id: item.source.key for item in wanted},
    )


def double_click_makes_two(patch: Patch) -> None:
    """The word of a request tells nothing apart."""
    genuine, clicks = new_tries.redo_key, iter(range(10**9))
    patch(new_tries, "redo_key", lambda of, which: genuine(of, f"{which} {next(clicks)}"))


def first_verdict_counts(patch: Patch) -> None:
    """What stands of an earlier word is not replaced by a later one."""
    genuine = verdicts.said_over
    patch(verdicts, "said_over", lambda before, said: genuine(before, said) if before == UNJUDGED else before)


def verdict_is_no_row(patch: Patch) -> None:
    """The job says what was said last, and no row who said it."""
    genuine = verdicts._row

    def row(item):
        return {**genuine(item), "verdict": None}

    patch(verdicts, "_row", row)


CHOOSING_BUGS = (
    Mutation(name="redo is pruned", apply=redo_is_pruned, theme="choosing", first=10),
    Mutation("redo has the key of its job", redo_has_the_key_of_its_job, "choosing", first=4),
    Mutation("double click makes two", double_click_makes_two, "choosing", first=5),
    Mutation("first verdict counts", first_verdict_counts, "choosing", first=5),
    Mutation("verdict is no row", verdict_is_no_row, "choosing"),
)
