"""Another try of a job: a new waiting job beside it, checked and priced as of a manifest, unpaid."""

import pytest
from sqlalchemy import insert
from support.signed import SIGNED

from orchestrator.actions.choosing.redo import redo
from orchestrator.actions.planning.apply import Pricing, apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.prices.live_prices import LivePrice, LivePrices, Quoted
from orchestrator.core.errors import UsageError
from orchestrator.core.paths import COPY_FIRST, path_key
from orchestrator.core.states import AttemptState
from orchestrator.settings import load_settings
from orchestrator.store.db.schema import acts, job_specs, lanes, outputs

PRICE = 28_000


def again(store, *ids, **how):
    return redo(store.database, ids, signed=SIGNED, **how)


def spec_of(store, job_id):
    return next(row for row in store.rows(job_specs) if row.job_id == job_id)


def test_another_try_is_a_waiting_job_of_the_run_with_the_same_pictures_and_spends_nothing(store):
    spent = store.account()
    (made,) = again(store, 1).tries
    old, new = store.job(1), store.job(made.job_id)
    assert (new.state, new.redo_of, new.run_id) == ("pending", 1, old.run_id)
    assert (new.lane_id, new.tries_left, made.price_micros) == (old.lane_id, 3, PRICE)
    assert spec_of(store, 3)[1:] == spec_of(store, 1)[1:]
    assert store.account() == spent
    (act,) = [row for row in store.rows(acts) if row.command == "a test"]
    assert (act.job_id, act.new, act.who) == (1, "another try, job 3", "ada")


def test_its_pictures_begin_beside_the_clean_name_of_the_cell_which_they_keep(store):
    first = again(store, 1).tries[0].job_id
    second = again(store, 1).tries[0].job_id
    (clean,) = store.outputs(1)
    rows = [store.outputs(job_id)[0] for job_id in (first, second)]
    assert [row.path for row in rows] == ["beach-v1-0~try-2.png", "beach-v1-0~try-3.png"]
    assert [(row.clean_path, row.clean_key) for row in rows] == [(clean.path, path_key(clean.path))] * 2


def test_a_try_of_a_try_is_of_the_same_cell(store):
    again(store, 1)
    while (held := store.until(AttemptState.SUCCEEDED)).job_id != 3:
        pass
    again(store, 3)
    (row,) = store.outputs(4)
    assert (store.job(4).redo_of, row.path, row.clean_path) == (3, "beach-v1-0~try-3.png", "beach-v1-0.png")
    assert held.job_id == 3


def test_other_values_are_checked_by_the_catalogue_all_at_once_and_priced_in_their_lane(store):
    with pytest.raises(UsageError) as caught:
        again(store, 1, changes={"resolution": "8k", "promt": "x", "images": "b.png", "num_images": "2"})
    said = str(caught.value)
    for words in ('"8k" is not allowed', "did you mean", "stay those of the job", "stays that of the job"):
        assert words in said, said
    assert "nothing was spent" in said
    assert len(store.rows(job_specs)) == 2
    (made,) = again(store, 1, changes={"resolution": "4k", "prompt": "Sharper, please"}).tries
    assert (made.price_micros, spec_of(store, 3).params["prompt"]) == (56_000, "Sharper, please")
    (lane,) = [row for row in store.rows(lanes) if row.id == store.job(3).lane_id]
    assert (lane.price_micros, lane.planned_micros, lane.idle) == (56_000, 56_000, False)


def test_a_prompt_that_names_a_picture_that_is_not_there_is_refused_with_the_job(store):
    with pytest.raises(UsageError, match=r"@Image3.*\(job 1\)"):
        again(store, 1, changes={"prompt": "Put @Image3 on it"})
    with pytest.raises(UsageError, match="filled in by nobody"):
        again(store, 1, changes={"prompt": "On a {{ scene }}"})


def test_a_live_price_counts_where_one_is_known(store):
    def ask(questions):
        return Quoted({key: LivePrice(14_000, PRICE, store.clock.now_ms()) for key in questions}, {}, "a")

    asked = again(store, 1, dry_run=True, pricing=Pricing(LivePrices(ask)))
    assert (asked.cost_micros, asked.prices_are_live, len(store.rows(job_specs))) == (14_000, True, 2)
    (made,) = again(store, 1, pricing=Pricing(LivePrices(ask))).tries
    (lane,) = store.rows(lanes)
    assert (made.price_micros, lane.price_micros) == (14_000, 14_000)


def test_an_edited_or_pruned_manifest_and_more_variations_leave_it_waiting(store, write, tmp_path):
    again(store, 1)
    edited = write("Put", variations=3)
    (row,) = plan([edited], load_settings(None, {}, tmp_path), store.database).manifests
    assert (row.others.jobs, row.redone, row.redone_micros, row.waiting) == (1, 1, PRICE, 1)
    (applied,) = apply(store.database, [edited], prune=SIGNED)
    assert (applied.pruned, applied.new) == (1, 6)
    assert store.job(3).state == "pending"
    (again_applied,) = apply(store.database, [write("Place", variations=3)])
    assert again_applied.new == 4, "its key is nobody's further variation"


def test_a_try_of_a_shared_job_makes_the_copies_again(store):
    with store.database.write() as tx:
        tx.conn.execute(
            insert(outputs).values(
                job_id=1,
                idx=COPY_FIRST + 1000,
                path="twin.png",
                path_key=path_key("twin.png"),
                state="planned",
            )
        )
    again(store, 1)
    assert [(row.idx, row.path, row.clean_path) for row in store.outputs(3)] == [
        (0, "beach-v1-0~try-2.png", "beach-v1-0.png"),
        (COPY_FIRST + 1000, "twin~try-2.png", "twin.png"),
    ]


def test_a_redo_past_the_cap_waits_and_nothing_is_held(store):
    store.cap(PRICE)
    again(store, 1)
    assert store.claim() == ()
    assert store.account() == (PRICE, 0, 0)
