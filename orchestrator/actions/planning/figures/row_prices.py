"""What the jobs of a planned manifest cost now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from orchestrator.actions.planning.figures.planned import ManifestPlan
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.store.runs.unrequested import JobsAt


def price(
    row: ManifestPlan,
    prices: LivePrices,
    *,
    waiting: Mapping[int, Sequence[JobsAt]],
    tries: Mapping[int, Sequence[JobsAt]],
) -> None:
    """Fill in the money of a row; what waits in its run, and the further tries among that, are found by the
    identity of the row.
    """
    live = partial(prices.micros, row.spec.model)
    row.cost_micros = sum(jobs * live(digest, price) for digest, (jobs, price) in row.new_at.items())
    row.list_micros = sum(jobs * price for jobs, price in row.new_at.values())
    row.avoided_micros = sum(jobs * live(digest, price) for digest, (jobs, price) in row.reused_at.items())
    others = tuple(
        part._replace(price_micros=live(part.digest, part.price_micros)) for part in row.others.at_prices
    )
    row.others = replace(
        row.others,
        cost_micros=sum(part.jobs * part.price_micros for part in others),
        at_prices=others,
    )
    further = tries.get(id(row), [])
    redone_micros = sum(part.jobs * live(part.digest, part.price_micros) for part in further)
    all_waiting = waiting.get(id(row), [])
    row.waiting_micros = (
        sum(part.jobs * live(part.digest, part.price_micros) for part in all_waiting) - row.others.cost_micros
    )
    row.waiting_list_micros = sum(part.jobs * part.list_micros for part in all_waiting) - sum(
        part.jobs * part.list_micros for part in others
    )
    if row.partial:
        row.waiting_micros -= redone_micros
        row.waiting_list_micros -= sum(part.jobs * part.list_micros for part in further)
    else:
        row.redone_micros = redone_micros
    row.stages.price(live)
