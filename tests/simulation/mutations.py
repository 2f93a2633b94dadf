"""Bugs planted on purpose: each removes one thing that money depends on, and the simulation must notice."""

from dataclasses import replace

from .choice_bugs import CHOICE_BUGS
from .choosing_bugs import CHOOSING_BUGS
from .decision_bugs import DECISION_BUGS
from .doubt_bugs import DOUBT_BUGS
from .ending_bugs import ENDING_BUGS
from .money_bugs import MONEY_BUGS
from .month_bugs import MONTH_BUGS
from .night_bugs import NIGHT_BUGS
from .picture_bugs import PICTURE_BUGS
from .planting import Mutation, planted
from .price_bugs import PRICE_BUGS
from .rescue_bugs import RESCUE_BUGS
from .seed import simulate
from .sending_bugs import SENDING_BUGS
from .stage_bugs import STAGE_BUGS
from .steering_bugs import STEERING_BUGS
from .webhook_bugs import WEBHOOK_BUGS
from .word_bugs import WORD_BUGS

TABLE_SEEDS_MAX = 500

MUTATIONS = (
    *CHOICE_BUGS,
    *CHOOSING_BUGS,
    *DECISION_BUGS,
    *DOUBT_BUGS,
    *ENDING_BUGS,
    *MONEY_BUGS,
    *MONTH_BUGS,
    *NIGHT_BUGS,
    *PICTURE_BUGS,
    *PRICE_BUGS,
    *RESCUE_BUGS,
    *SENDING_BUGS,
    *STAGE_BUGS,
    *STEERING_BUGS,
    *WEBHOOK_BUGS,
    *WORD_BUGS,
)
"""Each file of bugs names its own."""


def noticed(mutation: Mutation, seeds_max: int) -> tuple[int, str] | None:
    """How many seeds it took to notice the bug, and by what; None when they did not."""
    with planted(mutation):
        for seeds in range(1, seeds_max + 1):
            seed = mutation.first + seeds - 1
            failure = simulate(seed, mutation.theme, database=mutation.database).failure
            if failure is not None:
                return seeds, failure
    return None


def main() -> int:
    """Print what each planted bug took to be noticed, from the first seed of its theme; 1 when one was
    not."""
    missed = 0
    for mutation in MUTATIONS:
        found = noticed(replace(mutation, first=1), TABLE_SEEDS_MAX)
        missed += found is None
        seeds, by = found or (TABLE_SEEDS_MAX, "not noticed")
        print(f"{mutation.name:<40} {seeds:>4}  {by.splitlines()[0][:90]}", flush=True)
    print(f"{len(MUTATIONS) - missed} of {len(MUTATIONS)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
