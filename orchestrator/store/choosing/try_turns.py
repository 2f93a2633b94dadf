"""When further tries have their turn: after the first pictures of other products, by the round that they get.

A try of a picture is one more picture of its product, so it comes a round after the job that it is a try of,
and never with the first pictures. A try of a failed job takes the place that the job has left: the first one,
where its product has no picture yet and no other try on its way to one. Rounds of jobs that were set apart
(`store/runs/apart.py`) say nothing of a product's turn.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import and_, bindparam, or_, select

from orchestrator.core.states import JobState
from orchestrator.store.choosing.redo_sources import RedoSource
from orchestrator.store.db.bulk import chunks
from orchestrator.store.db.database import Tx
from orchestrator.store.db.schema import job_specs, jobs

FIRST: Final = 1
SECOND: Final = 2


def rounds(tx: Tx, run_id: int, sources: Sequence[RedoSource]) -> dict[int, int]:
    """The round of a further try of each, by the id of its source; all are of one run.

    Jobs are found by their value on the outermost axis alone: where another one takes turns, a try of a
    failed job keeps its round.
    """
    failed = [source for source in sources if source.state is not JobState.SUCCEEDED]
    served = _served(tx, run_id, {source.product for source in failed})
    found: dict[int, int] = {}
    for source in sources:
        outermost = source.axes[0][0] if source.axes else None
        if source.state is JobState.SUCCEEDED:
            found[source.job_id] = max(SECOND, source.round + 1)
        elif source.covered not in {None, outermost} or source.product is None:
            found[source.job_id] = max(FIRST, source.round)
        elif source.product in served:
            found[source.job_id] = max(SECOND, source.round)
        else:
            found[source.job_id] = FIRST
            served.add(source.product)
    return found


def _served(tx: Tx, run_id: int, products: Iterable[str | None]) -> set[str]:
    """Which of the products have a picture in the run, or a further try that waits or runs."""
    found: set[str] = set()
    for chunk in chunks([product for product in products if product is not None]):
        found.update(tx.conn.execute(_SERVED, {"run": run_id, "products": list(chunk)}).scalars())
    return found


_ON_THE_WAY: Final[Any] = and_(
    jobs.c.redo_of.is_not(None), jobs.c.state.in_([JobState.PENDING.value, JobState.RUNNING.value])
)
_SERVED: Final = (
    select(job_specs.c.product)
    .distinct()
    .join_from(job_specs, jobs, jobs.c.id == job_specs.c.job_id)
    .where(
        job_specs.c.run_id == bindparam("run"),
        job_specs.c.product.in_(bindparam("products", expanding=True)),
        or_(jobs.c.state == JobState.SUCCEEDED.value, _ON_THE_WAY),
    )
)
