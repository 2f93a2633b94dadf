"""Jobs by product: pages in the order of products, each product whole, however many runs and jobs there
are.
"""

from dataclasses import replace

import pytest
from support.world import spec

from orchestrator.store.views.jobs import products
from orchestrator.store.views.jobs.products import ProductWish
from orchestrator.store.views.runs.overview import runs


@pytest.fixture
def wish(world):
    """What is wanted of the last run."""

    def of(**more):
        with world.database.read() as tx:
            return ProductWish(runs(tx)[-1].id, **more)

    return of


def jobs_of(pages):
    """The ids, counted from the first."""
    first = min(job for page in pages for _, job in page)
    return [[(name, job - first + 1) for name, job in page] for page in pages]


def specs(names, scenes=2, **more):
    return [
        replace(spec(number, **more), axes=(("sku", name), ("scene", str(number % scenes))))
        for number, name in enumerate(name for name in names for _ in range(scenes))
    ]


def pages(world, wish, size=2):
    found, after = [], None
    for _ in range(50):
        with world.database.read() as tx:
            rows, after = products.page(tx, wish, after=after, products=size)
        found.append([(row.product, row.id) for row in rows])
        if after is None:
            return found
    raise AssertionError("the pages do not end")


def test_products_come_in_order_and_each_is_whole(world, wish):
    world.apply(specs(["C", "A", "B"]))
    assert jobs_of(pages(world, wish())) == [[("A", 3), ("A", 4), ("B", 5), ("B", 6)], [("C", 1), ("C", 2)]]


def test_jobs_that_are_added_later_stand_with_their_product(world, wish):
    world.apply(specs(["A", "B"]))
    world.apply([replace(spec(9), axes=(("sku", "A"), ("scene", "new")))])
    assert jobs_of(pages(world, wish(), size=5)) == [[("A", 1), ("A", 2), ("A", 5), ("B", 3), ("B", 4)]]


def test_another_run_is_not_in_it(world, wish):
    world.apply(specs(["A"]))
    world.apply(specs(["A"], prefix="other"), name="other")
    assert jobs_of(pages(world, wish())) == [[("A", 1), ("A", 2)]]


def test_a_product_with_more_jobs_than_a_page_goes_on_on_the_next_one(world, wish, monkeypatch):
    monkeypatch.setattr(products, "JOBS_MAX", 3)
    world.apply(specs(["A", "B"], scenes=4))
    assert [[job for _, job in page] for page in jobs_of(pages(world, wish()))] == [
        [1, 2, 3], [4, 5, 6], [7, 8],
    ]  # fmt: skip


@pytest.mark.parametrize("searched", [1, 3, 100])
def test_a_search_finds_the_same_however_far_it_goes_at_a_time(world, wish, monkeypatch, searched):
    monkeypatch.setattr(products, "SEARCHED_MAX", searched)
    world.apply(specs(["A", "B%", "C_b", "D"]))
    words = [name for page in pages(world, wish(words="b"), size=1) for name, _ in page]
    assert list(dict.fromkeys(words)) == ["B%", "C_b"]
    literal = [name for page in pages(world, wish(words="%"), size=1) for name, _ in page]
    assert set(literal) == {"B%"}


def test_products_are_found_by_what_was_said_of_their_pictures_and_by_state(world, wish):
    world.apply(specs(["A", "B", "C"]))
    for held in world.claim(3):
        world.send(held)
        world.accept(held)
        world.complete(held)
        world.finish(held)

    def found(**words):
        return [name for page in pages(world, wish(**words)) for name, _ in page]

    with world.database.read() as tx:
        assert products.verdict_counts(tx, wish().run_id) == {}
    assert set(found(verdicts=(None,))) <= {"A", "B", "C"}
    assert found(verdicts=("accepted",)) == []
    assert set(found(states=("pending",))) | set(found(states=("succeeded",))) == {"A", "B", "C"}


def test_a_prompt_without_end_is_cut_and_the_rest_of_a_page_is_not_harmed(world, wish):
    long = spec(1)
    long = replace(long, params={"prompt": "x" * 200_000}, axes=(("sku", "A"),))
    world.apply([long, replace(spec(2), axes=(("sku", "A"),))])
    with world.database.read() as tx:
        rows, _ = products.page(tx, wish(), after=None, products=5)
    assert [len(row.params["prompt"]) for row in rows] == [products.PROMPT_MAX, len("hero 2")]


def test_a_product_is_named_by_its_axis_a_tag_a_picture_or_its_number(world, wish):
    bare = spec(0, local_images={})
    world.apply([bare, replace(spec(1), tags={"sku": "T-1"})])
    with world.database.read() as tx:
        rows, _ = products.page(tx, wish(), after=None, products=5)
    assert [row.product for row in rows] == ["T-1", "job 1"]
