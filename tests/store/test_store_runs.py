"""Applying a manifest: what it adds, what it leaves alone, who owns which path."""

import pytest
from support.world import PRICE, run_spec, spec

from orchestrator.core.errors import UsageError
from orchestrator.core.specs import LocalImage
from orchestrator.store.db import bulk
from orchestrator.store.db.schema import job_specs, lanes
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.runs import adding, compared, output_paths, runs


def test_applying_twice_changes_nothing(world):
    specs = [spec(number) for number in range(5)]
    assert world.apply(specs) == adding.Added(5, 0, ())
    before = world.everything()
    assert world.apply(specs) == adding.Added(0, 5, ())
    assert world.everything() == before


def test_an_edited_manifest_adds_only_what_is_new(world):
    world.apply([spec(number) for number in range(3)])
    assert world.apply([spec(number) for number in range(5)]) == adding.Added(2, 3, ())
    assert world.jobs() == {"pending": 5}


def test_another_run_key_is_another_run(world):
    world.apply([spec(0)], run_key="monday")
    added = world.apply([spec(0)], run_key="tuesday")
    assert added.new == 1
    assert len(world.rows(run_table)) == 2


def test_a_path_that_an_earlier_job_of_the_same_manifest_owns_gets_a_suffix(world):
    world.apply([spec(0)])
    edited = spec(0, key="f" * 32)
    added = world.apply([edited])
    ((wanted, given),) = added.renamed
    assert wanted == "hero/0-v1-0.png"
    assert given.startswith("hero/0-v1-0~")
    assert given.endswith(".png")
    assert {row.path for row in world.outputs(1) + world.outputs(2)} == {wanted, given}


def test_the_suffix_is_the_same_at_every_apply(world):
    world.apply([spec(0)])
    world.apply([spec(0, key="f" * 32)])
    before = world.everything()
    assert world.apply([spec(0), spec(0, key="f" * 32)]) == adding.Added(0, 2, ())
    assert world.everything() == before


def test_a_path_of_another_manifest_is_refused_and_nothing_is_added(world):
    world.apply([spec(0)])
    with pytest.raises(output_paths.PathTakenError) as caught:
        world.apply([spec(0), spec(1)], campaign="autumn")
    (conflict,) = caught.value.conflicts
    assert (conflict.path, conflict.campaign, conflict.job_id) == ("hero/0-v1-0.png", "spring", 1)
    assert world.jobs() == {"pending": 1}


def test_paths_that_only_differ_in_case_or_unicode_form_are_one_path(world):
    world.apply([spec(0, output_paths=("Caf\u00e9/A.png",))])
    with pytest.raises(output_paths.PathTakenError):
        world.apply([spec(1, output_paths=("CAFE\u0301/a.PNG",))], name="other")


def test_conflicts_are_found_without_writing(world):
    run = world.run(1)
    taken = spec(9, output_paths=("spring/hero/main/28000/0-v1-0.png",))
    with world.database.read() as tx:
        found = compared.look_up(tx=tx, run=None, owner=run_spec("autumn"), specs=[taken])
        own = compared.look_up(tx=tx, run=run, owner=run_spec(), specs=[taken])
    assert [conflict.job_id for conflict in found.conflicts] == [1]
    assert (own.fresh, own.conflicts) == ([taken], [])


def test_a_run_keeps_its_model(world):
    world.run(1)
    with pytest.raises(UsageError, match="was made for model"):
        world.apply([], model="another/model")


def test_a_changed_priority_reaches_the_lanes_of_jobs_that_wait(world):
    world.run(1, priority=1)
    world.apply([], priority=7)
    assert [row.priority for row in world.rows(lanes)] == [7]


def test_jobs_of_one_price_share_a_lane(world):
    world.apply([spec(0), spec(1), spec(2, price=PRICE * 2)])
    assert [(row.price_micros, row.idle) for row in world.rows(lanes)] == [(PRICE, False), (PRICE * 2, False)]


def test_what_is_stored_is_what_will_be_sent(world):
    image = LocalImage(path="/photos/a.png", sha256="a" * 64, bytes=5, media_type="image/png")
    params = {"prompt": "caf\u00e9 \U0001f600", "images": ["a.png"], "strength": 0.5, "seed": 2**53}
    world.apply([spec(0, params=params, local_images={"a.png": image}, tags={"client": "acme"})])
    (row,) = world.rows(job_specs)
    assert row.params == params
    assert row.tags == {"client": "acme"}
    assert LocalImage(**row.local_images["a.png"]) == image


def test_a_run_is_found_by_campaign_name_and_key(world):
    stored = world.run(0, run_key="monday")
    with world.database.read() as tx:
        assert runs.find_run(tx=tx, campaign="spring", name="hero", run_key="monday") == stored
        assert runs.find_run(tx=tx, campaign="spring", name="hero", run_key="tuesday") is None


def test_more_jobs_than_one_lookup_holds_are_recognised(world):
    specs = [spec(number) for number in range(bulk.LOOKUP_CHUNK + 20)]
    world.apply(specs)
    assert world.apply(specs).existing == len(specs)


@pytest.mark.parametrize("key", ['a"b', "a\\b", "a,b", "{a}", "", "NULL", "a'b", "caf\u00e9 %s", "a\nb"])
def test_a_key_is_recognised_whatever_is_in_it(world, key):
    assert world.apply([spec(0, key=key), spec(1)]).new == 2
    assert world.apply([spec(0, key=key), spec(1)]).existing == 2


def test_an_apply_that_fails_half_way_leaves_nothing(world):
    def apply_and_fail():
        with world.database.write() as tx:
            adding.add_jobs(tx, runs.ensure_run(tx, run_spec()), [spec(0)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        apply_and_fail()
    assert world.rows(run_table) == []
