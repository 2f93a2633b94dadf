"""Other tries that are refused, passed over or asked for by two: each with its reason, and bought once."""

from PIL import Image
from sqlalchemy import update
from support.signed import SIGNED

from orchestrator.actions.choosing.redo import redo
from orchestrator.actions.choosing.verdicts import give
from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.prices.live_prices import LivePrices
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import job_specs
from orchestrator.store.db.schema import jobs as job_table
from orchestrator.store.runs import jobs
from orchestrator.store.views.jobs.walk import JobFilter


def again(store, *ids, **how):
    return redo(store.database, ids, signed=SIGNED, **how)


def test_what_has_no_picture_yet_is_refused_and_what_failed_may_be_asked_for_otherwise(world, write):
    apply(world.database, [write(variations=2)])
    world.until(AttemptState.FAILED)
    world.until(AttemptState.IN_FLIGHT)
    with world.database.write() as tx:
        jobs.cancel(tx, [4])
    done = again(world, 1, 2, 3, 4, 99, changes={"prompt": "Something else"})
    assert [item.of for item in done.tries] == [1]
    why = {item.job_id: item.why for item in done.refused}
    assert "being made" in why[3], "first variations first"
    assert "waits" in why[2]
    assert "jobs retry 4" in why[4]
    assert why[99] == "there is no such job"


def test_an_input_picture_that_is_gone_or_changed_since_is_said_before_it_is_bought(store, tmp_path):
    Image.new("RGB", (400, 400), "blue").save(tmp_path / "photo.png")
    assert "has changed since" in again(store, 1).refused[0].why
    (tmp_path / "photo.png").unlink()
    assert "there is no file" in again(store, 1).refused[0].why
    assert len(store.rows(job_specs)) == 2


def test_the_same_request_makes_one_job_and_another_request_another(store):
    first = again(store, 1, request="click-1").tries[0]
    twice = again(store, 1, request="click-1").tries[0]
    other = again(store, 1, request="click-2").tries[0]
    assert (first.created, twice.created, twice.job_id) == (True, False, first.job_id)
    assert other.job_id not in {first.job_id, 1, 2}


def test_a_filter_passes_over_what_has_another_try_already(store):
    give(store.database, [1], JobVerdict.REJECTED, signed=SIGNED)
    rejected = JobFilter(verdict="rejected")
    assert len(redo(store.database, rejected, signed=SIGNED).tries) == 1
    done = redo(store.database, rejected, signed=SIGNED)
    assert (done.tries, done.passed_over) == ([], 1)
    assert len(again(store, 1).tries) == 1, "by its id it is asked for all the same"


def test_two_people_who_redo_all_rejected_at_once_make_one_try_of_each(store, open_database, monkeypatch):
    give(store.database, [1], JobVerdict.REJECTED, signed=SIGNED)
    rejected = JobFilter(verdict="rejected")
    genuine = LivePrices.ask

    def meanwhile(prices):
        monkeypatch.setattr(LivePrices, "ask", genuine)
        assert len(redo(open_database(), rejected, signed=SIGNED).tries) == 1
        genuine(prices)

    monkeypatch.setattr(LivePrices, "ask", meanwhile)
    done = redo(store.database, rejected, signed=SIGNED)
    assert (done.tries, done.passed_over) == ([], 1)
    assert len(store.rows(job_specs)) == 3


def test_a_job_that_is_retried_while_somebody_asks_for_another_try_gets_none(world, write, monkeypatch):
    apply(world.database, [write()])
    world.until(AttemptState.FAILED)
    genuine = LivePrices.ask

    def meanwhile(prices):
        with world.database.write() as tx:
            assert jobs.retry(tx, [1]) == [1]
        genuine(prices)

    monkeypatch.setattr(LivePrices, "ask", meanwhile)
    done = again(world, 1)
    assert (done.tries, [item.job_id for item in done.refused]) == ([], [1])
    assert len(world.rows(job_specs)) == 2


def test_a_job_whose_task_was_paid_for_is_looked_at_before_another_is_asked_for(world, write):
    apply(world.database, [write()])
    held = world.until(AttemptState.FETCHING)
    world.finish(held, 0, lost=((0, "it is gone"),))
    assert "jobs retry 1" in again(world, 1).refused[0].why
    assert len(again(world, 1, changes={"prompt": "Something else"}).tries) == 1


def test_a_moderated_job_may_be_asked_for_again_with_a_word_that_the_same_is_likely_refused(world, write):
    apply(world.database, [write()])
    world.until(AttemptState.FAILED)
    with world.database.write() as tx:
        tx.conn.execute(update(job_table).where(job_table.c.id == 1).values(reason="moderated"))
    assert "likely will again: add --prompt TEXT (job 1)" in again(world, 1, dry_run=True).warnings[0]
    assert again(world, 1, changes={"prompt": "Softer"}).warnings == []
    by_reason = redo(world.database, JobFilter(reason="moderated"), signed=SIGNED)
    assert by_reason.passed_over == 1
