"""What the caps let through: which of the planned jobs would be bought before the money ends.

The claim serves the highest priority first, and then the lowest rounds; a job that does not fit is passed
over, and holds up no other. Pure, and the same rule here: campaigns that share one cap are taken as equals.
What follows in stages comes after all that it can be made of, unless its money is kept for it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from orchestrator.actions.planning.figures.tally import Tally


class Wish(NamedTuple):
    """Jobs of one manifest in the order in which they were recorded, or will be."""

    rounds: Sequence[int]
    micros: Sequence[int]  # the price of each
    priority: int = 0
    hops: Sequence[int] = ()  # how many stages come before each; empty: none
    chains: Sequence[int] = ()  # where money is kept for whole chains: the place of the job that begins its


class Limit(NamedTuple):
    """What one cap has left, and which wishes it is about."""

    remaining_micros: int
    about: Collection[int]


@dataclass(frozen=True, slots=True)
class Affordable:
    """What can be bought in the end; money in micros."""

    jobs: int
    images: int
    cost_micros: int
    products: int = 0
    reached: int = 0  # products that have a picture then
    whole: int = 0  # products that have everything then
    product: str = ""  # what a product is called: the covered axis; empty when manifests call it differently


def allot(wishes: Sequence[Wish], limits: Sequence[Limit]) -> list[bytearray]:
    """For each job of each wish, whether the limits let it through."""
    got = [bytearray(len(wish.rounds)) for wish in wishes]
    left = [limit.remaining_micros for limit in limits]
    over = [[at for at, limit in enumerate(limits) if number in limit.about] for number in range(len(wishes))]
    links = [_links(wish) for wish in wishes]
    for number, place in _in_order(wishes, over, left):
        chain = links[number].get(place, (place,)) if wishes[number].chains else (place,)
        price = sum(wishes[number].micros[each] for each in chain)
        if not got[number][place] and all(left[at] >= price for at in over[number]):
            for each in chain:
                got[number][each] = 1
            for at in over[number]:
                left[at] -= price
    return got


def _links(wish: Wish) -> dict[int, list[int]]:
    """The jobs of each chain by the place of the first, where it is bought whole or not at all."""
    found: dict[int, list[int]] = {}
    for place, first in enumerate(wish.chains):
        found.setdefault(first, []).append(place)
    return found


def _in_order(
    wishes: Sequence[Wish], over: Sequence[Sequence[int]], left: Sequence[int]
) -> Sequence[tuple[int, int]]:
    """Every job as its wish and place, in the order in which it is served."""
    if all(
        sum(sum(wishes[n].micros) for n, ats in enumerate(over) if at in ats) <= left[at]
        for at in range(len(left))
    ):
        return [(number, place) for number, wish in enumerate(wishes) for place in range(len(wish.rounds))]
    order = [
        (-wish.priority, _hop(wish, place), turn, number, place)
        for number, wish in enumerate(wishes)
        for place, turn in enumerate(wish.rounds)
        if not wish.chains or wish.chains[place] == place
    ]
    order.sort()
    return [(number, place) for _, _, _, number, place in order]


def _hop(wish: Wish, place: int) -> int:
    """How late a job is served: what follows comes last; or first, where money is kept for it already."""
    hop = wish.hops[place] if wish.hops else 0
    return -1 if hop and wish.chains else hop


def products_served(tally: Tally, got: Sequence[int]) -> tuple[int, int]:
    """How many products have a picture, and how many have everything, once what it `got` is made."""
    bought = [0] * tally.size
    for product, one in zip(tally.products, got, strict=True):
        bought[product] += one
    reached = whole = 0
    for number, jobs in enumerate(bought):
        its = tally.of(number)
        reached += bool(jobs or its.there)
        whole += jobs == its.to_pay and not its.lost
    return reached, whole
