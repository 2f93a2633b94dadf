"""A plan in terms of the caps: what they let through, and what could be left out so that everything fits."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from orchestrator import catalogue
from orchestrator.actions.planning.figures.affordable import Affordable, Limit, Wish, allot, products_served
from orchestrator.actions.planning.figures.cap_forecast import CapForecast
from orchestrator.actions.planning.figures.cuts import Cut, ManifestChange, costs, counted, cuts
from orchestrator.actions.planning.figures.planned import ManifestPlan
from orchestrator.actions.planning.figures.tally import Tally
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.store.db.database import Tx
from orchestrator.store.runs.unrequested import Turn, turns_of


@dataclass(frozen=True, slots=True)
class WithinCaps:
    """What can be made of a plan; `affordable` is None where no cap is in force."""

    affordable: Affordable | None = None
    cuts: list[Cut] = field(default_factory=list)  # of the only manifest, where it does not fit


def within_caps(
    tx: Tx | None, rows: Sequence[ManifestPlan], headroom: Sequence[CapForecast], prices: LivePrices
) -> WithinCaps:
    """Whether and how the jobs of `rows` fit under the caps of `headroom`."""
    if not headroom:
        return WithinCaps()
    owners = [number for number, _row in enumerate(rows)]
    wishes, images = [_asked(row, prices) for row in rows], [_images(row.tally) for row in rows]
    extra: list[tuple[int, list[Turn]]] = []
    for number, row in enumerate(rows):
        if tx is not None and row.others.jobs and row.others_too:
            extra.append((number, turns_of(tx, row.others.ids)))
        if row.redone_turns:
            extra.append((number, row.redone_turns))
    for number, turns in extra:
        wishes.append(_waiting(rows[number], turns, prices))
        images.append([each.images for each in turns])
        owners.append(number)
    for number, row in enumerate(rows):
        if again := row.stages.again_prices(partial(prices.micros, row.spec.model)):
            wishes.append(Wish([1] * len(again), [micros for micros, _ in again], row.spec.priority))
            images.append([number_of for _, number_of in again])
            owners.append(number)
    limits = [
        Limit(
            item.cap.remaining_micros,
            frozenset(at for at, owner in enumerate(owners) if item.is_about(rows[owner].spec)),
        )
        for item in headroom
    ]
    got = allot(wishes, limits)
    served = [products_served(row.tally, got[at]) for at, row in enumerate(rows)]
    names = {row.tally.cover for row in rows}
    affordable = Affordable(
        jobs=sum(sum(one) for one in got),
        images=sum(
            sum(each[at] for at, yes in enumerate(one) if yes) for one, each in zip(got, images, strict=True)
        ),
        cost_micros=sum(
            sum(wish.micros[at] for at, yes in enumerate(one) if yes)
            for one, wish in zip(got, wishes, strict=True)
        ),
        products=sum(row.tally.size for row in rows),
        reached=sum(reached for reached, _whole in served),
        whole=sum(whole for _reached, whole in served),
        product=names.pop() if len(names) == 1 else "",
    )
    return WithinCaps(affordable, _cuts(rows, headroom, prices))


def costs_of(row: ManifestPlan, prices: LivePrices) -> dict[str, dict[str, int]]:
    """What the jobs to be paid of each variation and each value of an axis cost, in micros."""
    if not row.tally.told_apart:
        return {}
    return costs(counted(row.tally, partial(prices.micros, row.spec.model)))


def _asked(row: ManifestPlan, prices: LivePrices) -> Wish:
    each = row.tally.prices(partial(prices.micros, row.spec.model))
    tally, kept = row.tally, row.spec.chain_reserved
    hops = _hops(row) if row.stages else ()
    return Wish(
        tally.rounds,
        [each[kind] for kind in tally.kinds],
        row.spec.priority,
        hops=hops,
        chains=_chains(row, hops) if kept else (),
    )


def _hops(row: ManifestPlan) -> list[int]:
    of_kind = [row.stages.whole[kind.stage].hop for kind in row.tally.kind_of]
    return [of_kind[kind] for kind in row.tally.kinds]


def _chains(row: ManifestPlan, hops: Sequence[int]) -> list[int]:
    """For each job the place of the one that its chain begins with; its own where that is paid already."""
    roots = [row.root(ordinal) for ordinal in row.tally.ordinals]
    first = {root: place for place, (root, hop) in enumerate(zip(roots, hops, strict=True)) if not hop}
    return [first.get(root, place) for place, root in enumerate(roots)]


def _images(tally: Tally) -> list[int]:
    return [tally.kind_of[kind].images for kind in tally.kinds]


def _waiting(row: ManifestPlan, turns: Sequence[Turn], prices: LivePrices) -> Wish:
    micros = [prices.micros(row.spec.model, each.digest, each.price_micros) for each in turns]
    return Wish([each.round for each in turns], micros, row.spec.priority)


def _cuts(rows: Sequence[ManifestPlan], headroom: Sequence[CapForecast], prices: LivePrices) -> list[Cut]:
    over = max(item.wanted_micros - item.cap.remaining_micros for item in headroom)
    if over <= 0 or len(rows) != 1 or rows[0].partial or not rows[0].tally.told_apart:
        return []
    (row,) = rows
    jobs = counted(row.tally, partial(prices.micros, row.spec.model))
    return cuts(jobs, over_micros=over, cheaper=_cheaper(row, prices), stages=row.stages.following())


def _cheaper(row: ManifestPlan, prices: LivePrices) -> list[ManifestChange]:
    """Lower values of the parameter that decides the price, where no job is made yet: what is made would be
    asked for again at the other value.
    """
    if row.tally.settled or row.others.jobs:
        return []
    by = catalogue.get(row.spec.model).price.by
    now = _fixed_value(row, by)
    jobs = counted(row.tally, partial(prices.micros, row.spec.model))
    return [
        ManifestChange(key=by, value=value, words=f"{by} {now} -> {value}", prices=each)
        for value, each in _other_values(row, prices).items()
        if all(each[item.kind.images] < item.micros for item in jobs)
    ]


def at_other_values(row: ManifestPlan, prices: LivePrices) -> dict[str, int]:
    """What all the jobs that are to be paid would cost at the other values of the parameter that decides the
    price, in micros; nothing where they do not share one.
    """
    jobs = counted(row.tally, partial(prices.micros, row.spec.model))
    return {
        value: sum(item.jobs * each[item.kind.images] for item in jobs)
        for value, each in _other_values(row, prices).items()
    }


def _other_values(row: ManifestPlan, prices: LivePrices) -> dict[str, dict[int, int]]:
    """The price of one job by its number of pictures, for each other value whose price is known as the
    present one is: live, or by the list.
    """
    model = catalogue.get(row.spec.model)
    by = model.price.by
    now = _fixed_value(row, by)
    found: dict[str, dict[int, int]] = {}
    for value, unit in model.price.micros.items() if now else ():
        digests = {
            kind.images: model.price_digest({by: value, model.count_param: kind.images})
            for kind in row.tally.kind_of
        }
        known = all(prices.knows(model.id, digest) for digest in digests.values())
        if value != now and (known or prices.nobody_answered):
            found[value] = {
                number: prices.micros(model.id, digest, unit * number) for number, digest in digests.items()
            }
    return found


def _fixed_value(row: ManifestPlan, by: str) -> str:
    """The value that all jobs to be paid have because the manifest says it once; empty where it varies."""
    values = {kind.at for kind in row.tally.kind_of}
    return values.pop() if len(values) == 1 and row.fixed.get(by) is not None else ""
