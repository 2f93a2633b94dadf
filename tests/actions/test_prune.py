"""Editing a manifest that was applied: what is left waiting is counted, told, and dropped when that is
asked for."""

import pytest
from support.signed import SIGNED
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.part import Part
from orchestrator.core.errors import UsageError
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.db.schema import events

MANIFEST = """\
version: 1
name: hero
campaign: sale
model: kwaivgi/kling-image-o3/edit
matrix: {{item: {{range: [1, {jobs}]}}}}
params:
  prompt: "{prompt} {{{{ item }}}}"
  images: ["https://example.com/a.png"]
output: "{{{{ item }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""
PRICE = 28_000


@pytest.fixture
def write(tmp_path):
    def written(prompt="Place a mug", jobs=4):
        file = tmp_path / "hero.yaml"
        file.write_text(MANIFEST.format(prompt=prompt, jobs=jobs))
        return load_manifest(file, today="2026-11-22")

    return written


@pytest.fixture
def store(database, clock, entropy):
    return World(database, clock, entropy)


@pytest.fixture
def planned(database, tmp_path):
    def row(manifest, **how):
        (found,) = plan([manifest], load_settings(None, {}, tmp_path), database, **how).manifests
        return found

    return row


def test_a_plan_and_an_apply_count_what_an_edit_left_waiting_and_what_it_costs(database, write, planned):
    apply(database, [write("Plaec a mug")])
    row = planned(write())
    assert (row.new, row.waiting, row.others.jobs, row.others.cost_micros) == (4, 0, 4, 4 * PRICE)
    assert (row.to_submit, row.to_submit_images, row.to_pay_micros) == (8, 8, 8 * PRICE)
    (applied,) = apply(database, [write()])
    assert (applied.others.jobs, applied.others.cost_micros, applied.pruned) == (4, 4 * PRICE, 0)


def test_a_manifest_applied_again_unchanged_leaves_no_others(database, write, planned):
    apply(database, [write()])
    row = planned(write())
    assert (row.waiting, row.waiting_images, row.waiting_micros, row.others.jobs) == (4, 4, 4 * PRICE, 0)
    (applied,) = apply(database, [write()])
    assert applied.others.jobs == 0


def test_what_is_outside_of_a_limit_is_counted_as_others(database, write, planned):
    apply(database, [write()])
    row = planned(write(), part=Part(limit=1))
    assert (row.waiting, row.others.jobs, row.partial) == (1, 3, True)


def test_pruning_leaves_only_what_is_in_the_manifest(store, database, write, planned):
    apply(database, [write("Plaec a mug")])
    row = planned(write(), prune=True)
    assert (row.to_submit, row.to_pay_micros, row.others.jobs) == (4, 4 * PRICE, 4)
    (applied,) = apply(database, [write()], prune=SIGNED)
    assert (applied.new, applied.pruned) == (4, 4)
    assert store.jobs() == {"cancelled": 4, "pending": 4}
    assert [(event.kind, event.job_id) for event in store.rows(events)] == [
        ("cancelled", job_id) for job_id in (1, 2, 3, 4)
    ]


def test_pruning_twice_changes_nothing_more(store, database, write):
    apply(database, [write("Plaec a mug")])
    apply(database, [write()], prune=SIGNED)
    before = (store.jobs(), len(store.rows(events)))
    (again,) = apply(database, [write()], prune=SIGNED)
    assert (again.pruned, again.others.jobs) == (0, 0)
    assert (store.jobs(), len(store.rows(events))) == before


def test_pruning_never_touches_what_a_worker_has_taken(store, database, write):
    apply(database, [write("Plaec a mug")])
    taken = store.claim(1)[0]
    (applied,) = apply(database, [write()], prune=SIGNED)
    assert applied.pruned == 3
    assert (store.job(taken.job_id).state, store.job(taken.job_id).cancel_requested) == ("running", False)


def test_a_job_that_a_worker_takes_between_the_look_and_the_prune_is_left_to_it(
    open_database, write, clock, entropy
):
    store = World(open_database(), clock, entropy)
    apply(store.database, [write("Plaec a mug")])
    taken = []

    def claim(point):
        if point == "db.after_commit" and not taken:  # the run is opened, nothing is pruned yet
            taken.extend(store.claim(1))

    (applied,) = apply(open_database(crashpoint=claim), [write()], prune=SIGNED)
    assert (len(taken), applied.others.jobs, applied.pruned) == (1, 4, 3)
    assert store.jobs() == {"cancelled": 3, "pending": 4, "running": 1}


def test_two_who_prune_one_edit_at_the_same_time_drop_none_of_each_others_jobs(
    open_database, write, clock, entropy
):
    store = World(open_database(), clock, entropy)
    apply(store.database, [write("Plaec a mug")])
    done = []

    def quicker(point):
        if point == "db.after_commit" and not done:
            done.append(point)
            apply(store.database, [write()], prune=SIGNED)

    (applied,) = apply(open_database(crashpoint=quicker), [write()], prune=SIGNED)
    assert (applied.new, applied.pruned) == (0, 0)
    assert store.jobs() == {"cancelled": 4, "pending": 4}


def test_a_worker_beside_a_prune_never_finds_both_versions(open_database, write, clock, entropy):
    store = World(open_database(), clock, entropy)
    apply(store.database, [write("Plaec a mug")])
    seen = []

    def look(point):
        if point == "db.after_commit":
            seen.append(store.jobs().get("pending", 0))

    apply(open_database(crashpoint=look), [write()], prune=SIGNED)
    assert seen == [4, 0, 4]  # the run is opened, the old jobs are dropped, the new ones added


@pytest.mark.parametrize("part", [Part(limit=1), Part(sample=1)])
def test_a_part_cannot_be_pruned_to(store, database, write, planned, part):
    apply(database, [write("Plaec a mug")])
    before = store.everything()
    with pytest.raises(UsageError, match="--prune"):
        planned(write(), prune=True, part=part)
    with pytest.raises(UsageError, match="--prune"):
        apply(database, [write()], prune=SIGNED, part=part)
    assert store.everything() == before


def test_a_part_that_was_interrupted_goes_on(database, write):
    apply(database, [write()], part=Part(limit=2))
    (again,) = apply(database, [write()], part=Part(limit=2))
    assert (again.existing, again.others.jobs) == (2, 0)
