"""Between the disk and the database everything may end, and then somebody chooses another picture: whatever
the order, each row says where its picture lies, no picture is lost, and the choice has the clean name.

Every step of a move at which it can end is tried, for every pair of decisions about each of the layouts.
"""

import itertools

import pytest
from support.studio import Studio
from support.tries import StudioCells

STEPS_MAX = 40
ORDERS = sorted({each for each in itertools.permutations("111222") if each[0] == "1"})


@pytest.fixture
def shop(sqlite_world, tmp_path):
    return StudioCells(Studio(sqlite_world, tmp_path / "outputs"))


def broken_off(shop, layout, *, links=True, taken=False):
    """Every pair of decisions, with the end of the first move after each of its steps."""
    names = layout.replace(" ", "")
    for first, second in itertools.permutations(names, 2):
        for word in (f"+{second}", f"-{first}") if len(names) == 2 else (f"+{second}",):
            for steps in itertools.count(1):
                shop.lay(layout)
                if taken:
                    shop.take_superseded_names()
                shop.choose(f"+{first}")
                reached = shop.breaks_off(steps, links=links)
                shop.choose(word)
                yield second
                assert steps < STEPS_MAX
                if not reached:
                    break


@pytest.mark.parametrize("layout", ["A B", "A B ", "A BC", "A B C "], ids=lambda it: it.replace(" ", "_"))
def test_a_decision_that_changes_after_a_move_broke_off_loses_no_picture(shop, layout):
    for chosen in broken_off(shop, layout):
        shop.settles()
        shop.agrees(chosen)


def test_nor_where_there_are_no_links(shop):
    for chosen in broken_off(shop, "A B ", links=False):
        shop.settles(links=False)
        shop.agrees(chosen)


def test_nor_where_somebody_has_files_of_the_superseded_names(shop):
    for chosen in broken_off(shop, "AB", taken=True):
        shop.settles()
        shop.agrees(chosen)


@pytest.mark.parametrize("steps", range(1, 12, 2))
def test_nor_does_a_second_move_that_breaks_off_before_a_third_decision(shop, steps):
    for _chosen in broken_off(shop, "A B "):
        shop.breaks_off(steps)
        shop.choose("+A")
        shop.settles()
        shop.agrees("A")


def test_nor_where_the_clean_name_is_a_file_of_somebody_else(shop):
    for steps in itertools.count(1):
        shop.lay("A B ")
        shop.clean_is_somebody_elses("B")
        shop.choose("+A")
        reached = shop.breaks_off(steps)
        shop.settles()
        shop.nothing_is_lost()
        assert shop.lie() == {shop.clean: b"a retouch", **shop.rows_lie()}
        if not reached:
            break


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_two_movers_that_no_lock_keeps_apart_leave_every_row_right(shop, order):
    for layout, first, second in (
        ("A BC", "C", "B"),
        ("A B C ", "A", "B"),
        ("A B C ", "B", "A"),
        ("A B ", "A", "B"),
    ):
        shop.lay(layout)
        shop.choose(f"+{first}")
        movers = {"1": shop.carrying_out(), "2": shop.carrying_out()}
        next(movers[order[0]])
        shop.choose(f"+{second}")
        for mover in order[1:]:
            next(movers[mover])
        shop.settles()
        shop.agrees(second)


def test_what_a_mover_did_that_nobody_knew_of_is_found_at_the_next_choice(shop):
    shop.lay("A BC")
    shop.choose("+C")
    frozen = shop.carrying_out()
    next(frozen)
    shop.choose("+B")
    shop.settles()
    next(frozen)  # it moves, and dies before it records
    shop.choose("+A")
    shop.settles()
    shop.agrees("A")
