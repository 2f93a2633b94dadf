"""Nights that reuse, that a guard holds, and whose time is over."""

from dataclasses import replace

import pytest
from support.night_studio import NightStudio

from orchestrator.actions.operator import scheduling
from orchestrator.actions.reconciling.pictures_check import PicturesChecked
from orchestrator.store.account.acts import Signature
from orchestrator.store.schedules.expanding import TickVerdict


@pytest.fixture
def studio(sqlite_world, tmp_path):
    found = NightStudio(sqlite_world, tmp_path)
    found.add()
    return found


def test_a_table_that_a_spreadsheet_saved_waits_for_a_person_and_then_goes_on(studio):
    studio.path.write_text(studio.path.read_text().replace(" at {{ tick }}", ""))
    studio.path.write_text(studio.path.read_text() + "regenerate: changed\nmax_changed: 20%\n")
    studio.expand()
    studio.nights.succeed()
    studio.nights.settle()
    studio.table("A.", "B.")
    order = studio.order("2026-11-24T01:30")
    expanded = studio.expand(order)
    assert (expanded.verdict, expanded.why.reason, expanded.why.code) == (
        TickVerdict.HELD,
        "change_flood",
        5,
    )
    assert "2 of 2 jobs are new or changed ($0.056)" in expanded.why.message
    assert studio.nights.ticks()[-1] == ("11-24T02:30", "waiting_approval", "change_flood")
    with studio.world.database.write() as tx:
        scheduling.approve_ticks(tx, order.schedule, Signature("ada", "here", "schedule approve"))
    assert studio.expand(studio.nights.take()).message == "2 new jobs, 0 there already"


def test_a_second_night_buys_only_what_has_changed(studio):
    studio.path.write_text(studio.path.read_text().replace(" at {{ tick }}", "") + "regenerate: changed\n")
    studio.expand()
    studio.nights.succeed()
    studio.nights.settle()
    studio.table("A", "B2")
    again = studio.expand(studio.order("2026-11-24T01:30"))
    assert again.message == "1 new jobs, 0 there already, 1 reused"
    studio.nights.succeed()
    studio.nights.settle()
    assert studio.nights.ticks()[-1] == ("11-24T02:30", "done", None)
    assert studio.world.account()[0] == 3 * 28_000


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (PicturesChecked(checked=1), ""),
        (
            PicturesChecked(checked=2, fetched=1, missing=1),
            ", 1 of them fetched again, 1 of them missing: see `status`",
        ),
        (
            OSError("the disk is away"),
            "; the pictures it points at could not be looked at (OSError: the disk is away)",
        ),
    ],
)
def test_a_night_looks_at_the_pictures_it_points_at_and_is_made_whatever_comes_of_it(studio, found, said):
    looked = []

    def look(run_id):
        looked.append(run_id)
        if isinstance(found, OSError):
            raise found
        return found

    studio.expander = replace(studio.expander, look=look)
    first = studio.order()
    studio.expander(first)  # the worker dies before it records this: the tick is taken again, and looks again
    expanded = studio.expand(first)
    assert (expanded.verdict, len(looked)) == (TickVerdict.APPLIED, 2)
    assert expanded.message == "0 new jobs, 2 there already" + said


def test_a_night_whose_time_is_over_ends_and_is_no_failure(studio):
    studio.path.write_text(studio.path.read_text() + 'finish_by: "06:00"\n')
    studio.expand()
    studio.nights.until("2026-11-23T05:01")
    studio.nights.settle()
    assert studio.nights.ticks() == [("11-23T02:30", "done", "finish_by")]
    assert studio.nights.schedule("night").failures == 0


def test_a_night_that_is_made_late_still_ends_when_it_should_have(studio):
    studio.path.write_text(studio.path.read_text() + 'finish_by: "06:00"\n')
    assert studio.expand(studio.order("2026-11-23T09:00")).verdict is TickVerdict.APPLIED
    assert studio.world.claim() == ()
    studio.nights.settle()
    assert studio.nights.ticks() == [("11-23T02:30", "done", "finish_by")]
