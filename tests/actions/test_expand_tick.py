"""A tick becomes a run, or an answer that says why not; never an error of the worker."""

import pytest
from support.night_studio import NightStudio

from orchestrator.core.errors import DatabaseError
from orchestrator.core.ticks import WhenShort
from orchestrator.store.db.schema import runs
from orchestrator.store.schedules import expanding
from orchestrator.store.schedules.expanding import TickVerdict


@pytest.fixture
def studio(sqlite_world, tmp_path):
    found = NightStudio(sqlite_world, tmp_path)
    found.add()
    return found


def test_the_run_of_a_tick_has_its_date_and_its_time_also_long_after_midnight(studio):
    order = studio.order()
    studio.world.clock.advance(10 * 3600)
    assert studio.expand(order).verdict is TickVerdict.APPLIED
    (run,) = studio.world.rows(runs)
    assert (run.run_key, run.tick_id) == ("2026-11-23", order.tick.id)
    assert studio.prompts() == ["A at 2026-11-23T02-30", "B at 2026-11-23T02-30"]


def test_the_table_is_read_anew_for_each_tick(studio):
    studio.expand()
    studio.table("A", "B", "C")
    studio.nights.succeed()
    studio.nights.settle()
    assert studio.expand(studio.order("2026-11-24T01:30")).message == "3 new jobs, 0 there already"


def test_what_was_recorded_before_a_worker_died_is_not_recorded_twice(studio):
    order = studio.order()
    studio.expander(order)  # and dies before it can say so
    studio.world.clock.advance(expanding.LEASE_MS / 1000 + 1)
    studio.nights.fire()
    again = studio.nights.take("w2")
    assert studio.expand(again).message == "0 new jobs, 2 there already"
    assert len(studio.world.rows(runs)) == 1
    assert studio.nights.ticks() == [("11-23T02:30", "applied", None)]


def test_an_invalid_manifest_fails_the_tick_with_everything_that_is_wrong(studio):
    studio.path.write_text(
        studio.path.read_text().replace("model: kwaivgi", "modl: kwaivgi") + "budget: much\n"
    )
    why = studio.expand().why
    assert (why.reason, why.code) == ("manifest_invalid", 2)
    lines = why.message.splitlines()
    assert len(lines) == 3
    assert any("unknown key" in line and 'did you mean "model"?' in line for line in lines)
    assert any("budget: expected an amount" in line for line in lines)
    assert studio.nights.ticks() == [("11-23T02:30", "failed", "manifest_invalid")]


def test_a_table_that_shrank_to_nothing_fails_the_tick(studio):
    (studio.folder / "rows.csv").write_text("sku,title\n")
    assert studio.expand().why.reason == "manifest_invalid"


def test_a_table_that_is_no_text_any_more_fails_the_tick(studio):
    (studio.folder / "rows.csv").write_bytes(b"PK\x03\x04\xff\xfe\x00\x00")
    assert studio.expand().why.reason == "manifest_invalid"


def test_a_manifest_that_was_renamed_is_named(studio):
    studio.path.rename(studio.folder / "nightly.yaml")
    why = studio.expand().why
    assert why.reason == "manifest_gone"
    assert 'Did you mean "nightly.yaml"?' in why.message
    assert "orchestrator schedule add" in why.message


def test_a_manifest_that_is_about_something_else_by_now_is_not_made(studio):
    studio.path.write_text(studio.path.read_text().replace("name: night", "name: day"))
    why = studio.expand().why
    assert why.reason == "renamed"
    assert "describes fresh/day now, and not fresh/night" in why.message


def test_an_error_of_ours_fails_the_tick_and_not_the_worker(studio, monkeypatch):
    def broken(*_args, **_words):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("orchestrator.actions.planning.expand_tick.apply", broken)
    why = studio.expand().why
    assert (why.reason, why.code) == ("unexpected", 1)
    assert "ZeroDivisionError: oops" in why.message


def test_trouble_with_the_database_is_the_workers_to_wait_out(studio, monkeypatch):
    def away(*_args, **_words):
        raise DatabaseError("away", transient=True)

    monkeypatch.setattr("orchestrator.actions.planning.expand_tick.apply", away)
    with pytest.raises(DatabaseError):
        studio.expand()
    assert studio.nights.ticks() == [("11-23T02:30", "expanding", None)]


def test_the_budget_of_a_tick_is_the_cap_of_its_run_alone(studio):
    studio.add("budget: 0.03")
    first = studio.expand()
    studio.nights.succeed()
    studio.nights.settle()
    assert studio.nights.ticks() == [("11-23T02:30", "done", "cap")]
    studio.expand(studio.order("2026-11-24T01:30"))
    studio.nights.succeed()
    studio.nights.settle()
    assert studio.world.account()[0] == 2 * 28_000
    assert first.run_id is not None


def test_a_tick_that_is_short_of_money_is_made_in_part_or_skipped_as_its_manifest_says(studio):
    studio.world.cap(28_000)
    studio.add("when_short: skip")
    expanded = studio.expand()
    assert expanded.verdict is TickVerdict.SKIPPED
    assert expanded.why.message == (
        "it would cost $0.056, and the caps let $0.028 through (when_short: skip)"
    )
    assert studio.nights.ticks() == [("11-23T02:30", "skipped", "short")]
    assert studio.world.rows(runs) == []
    studio.add(f"when_short: {WhenShort.PARTIAL}")
    assert studio.expand(studio.order("2026-11-24T01:30")).verdict is TickVerdict.APPLIED


def test_enough_money_lets_a_careful_tick_be_made(studio):
    studio.world.cap(56_000)
    studio.add("when_short: skip")
    assert studio.expand().verdict is TickVerdict.APPLIED
