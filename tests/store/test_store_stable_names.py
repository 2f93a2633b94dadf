"""Stable names: which picture each should hold, whatever runs, verdicts and tries come."""

import pytest
from support.world import World, run_spec, spec

from orchestrator.core.errors import UsageError
from orchestrator.core.nights import NightRule, Regenerate
from orchestrator.core.states import AttemptState
from orchestrator.core.url_inputs import GONE
from orchestrator.core.verdicts import JobVerdict, Opinion, VerdictSource
from orchestrator.ports import StableDone
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import verdicts
from orchestrator.store.db.schema import outputs
from orchestrator.store.db.schema import stable_names as table
from orchestrator.store.runs import adding, asking_names, runs, stable_names
from orchestrator.store.runs.new_jobs import encode

CHANGED = NightRule(Regenerate.CHANGED)
SIGNED = Signature("ada", "here", "test")
NAME = "latest/mug.png"


def night(world: World, key: str, number: int = 0, **more) -> None:
    """A run that asks for the picture of one product, by other inputs where `number` is another."""
    item = spec(
        number,
        output_paths=(f"{key}/mug.png",),
        latest_paths=(more.pop("latest", NAME),),
        seen_urls=more.pop("seen_urls", {}),
    )
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(run_key=key, **more))
        adding.add_encoded(tx, run, [encode(item)], rule=CHANGED)
        asking_names.ask_for_index(tx, (run.id, run.campaign_id, run.name), f"latest/{key}.jsonl")


def switch(world: World) -> dict[str, tuple[int | None, str | None]]:
    """Switch what is dirty, as a worker does; the job and the source of each name."""
    for _ in range(3):
        with world.database.read() as tx:
            dirty = stable_names.dirty(tx, 100)
        for name in dirty:
            place = name.switch.path if name.is_index or name.switch.of else None
            row = stable_names.NameSwitched(name, StableDone(place))
            world.do(stable_names.record, row)
    return {row.path: row.job_id for row in world.rows(table) if row.idx != stable_names.INDEX}


def judge(world: World, job_id: int, verdict: JobVerdict) -> None:
    with world.database.write() as tx:
        said = Opinion(verdict)
        verdicts.judge(tx, [job_id], said, signed=SIGNED, source=VerdictSource.COMMAND)


def test_a_name_holds_the_newest_good_picture_and_the_older_one_until_that_is_stored(world):
    night(world, "n1")
    assert switch(world) == {NAME: None}
    first = world.until(AttemptState.SUCCEEDED).job_id
    assert switch(world) == {NAME: first}
    night(world, "n2", number=1)
    assert switch(world) == {NAME: first}
    second = world.until(AttemptState.SUCCEEDED).job_id
    assert switch(world) == {NAME: second}


def test_a_rejected_picture_gives_the_name_back_and_a_verdict_that_is_taken_back_returns_it(world):
    night(world, "n1")
    first = world.until(AttemptState.SUCCEEDED).job_id
    night(world, "n2", number=1)
    second = world.until(AttemptState.SUCCEEDED).job_id
    judge(world, second, JobVerdict.REJECTED)
    assert switch(world) == {NAME: first}
    judge(world, first, JobVerdict.REJECTED)
    assert switch(world) == {NAME: None}
    judge(world, second, JobVerdict.NONE)
    assert switch(world) == {NAME: second}


def test_a_row_whose_job_another_run_makes_or_that_is_left_alone_keeps_its_name(world):
    """Neither is gone from the data: what a name shows stays, and the picture that comes takes it."""
    night(world, "n1")
    held = world.until(AttemptState.FETCHING)
    night(world, "n2")  # under way
    retire(world, "n2")
    world.finish(held)
    assert switch(world) == {NAME: held.job_id}
    night(world, "n3", number=1, seen_urls={"https://in.example/a.png": GONE})  # left alone
    retire(world, "n3")
    assert switch(world) == {NAME: held.job_id}


def retire(world: World, key: str) -> None:
    with world.database.write() as tx:
        run = runs.find_run(tx=tx, campaign="spring", name="hero", run_key=key)
        asking_names.retire(tx, (run.id, run.campaign_id, run.name))


def test_inputs_that_change_back_bring_the_older_picture_back(world):
    for key, number in (("n1", 0), ("n2", 1), ("n3", 0)):
        night(world, key, number)
        if key != "n3":
            world.until(AttemptState.SUCCEEDED)
    assert switch(world) == {NAME: 1}


def test_a_flagged_picture_never_has_the_name(world):
    night(world, "n1")
    world.until(AttemptState.SUCCEEDED)
    with world.database.write() as tx:
        tx.conn.execute(outputs.update().values(nsfw=True))
    assert switch(world) == {NAME: None}


def test_names_that_nobody_asks_for_any_more_are_taken_away_where_that_is_wanted(world):
    night(world, "n1")
    world.until(AttemptState.SUCCEEDED)
    switch(world)
    night(world, "n2", number=1, latest="latest/cup.png")
    with world.database.write() as tx:
        run = runs.find_run(tx=tx, campaign="spring", name="hero", run_key="n2")
        assert asking_names.retire(tx, (run.id, run.campaign_id, run.name)) == 1
    with world.database.read() as tx:
        gone = [name.switch for name in stable_names.dirty(tx, 9) if name.switch.path == NAME]
    assert [(name.of, name.place) for name in gone] == [(None, NAME)]


def test_the_list_is_written_last_and_says_what_lies_where(world):
    night(world, "n1")
    world.until(AttemptState.SUCCEEDED)
    with world.database.read() as tx:
        assert [name.is_index for name in stable_names.dirty(tx, 9)] == [False]
    world.do(stable_names.record, one(world, StableDone(NAME)))
    index = one(world, None).name
    assert index.is_index
    with world.database.read() as tx:
        head, line = stable_names.listed(tx, index.key)
    assert (head["run"], line["path"], line["job"]) == ("n1", NAME, 1)


def test_a_night_that_changes_nothing_has_its_list_too(world):
    night(world, "n1")
    world.until(AttemptState.SUCCEEDED)
    switch(world)
    night(world, "n2")
    switch(world)
    lists = [row for row in world.rows(table) if row.idx == stable_names.INDEX]
    assert {row.path: row.place for row in lists} == {
        f"latest/{key}.jsonl": f"latest/{key}.jsonl" for key in ("n1", "n2")
    }


def test_a_night_that_has_something_to_make_has_no_list_before_a_name_switches(world):
    night(world, "n1")
    switch(world)
    assert [row.place for row in world.rows(table) if row.idx == stable_names.INDEX] == [None]


def test_a_name_that_changes_while_it_is_switched_is_looked_at_again(world):
    night(world, "n1")
    first = world.until(AttemptState.SUCCEEDED).job_id
    begun = one(world, StableDone(NAME))
    world.clock.advance(1)
    judge(world, first, JobVerdict.REJECTED)
    world.do(stable_names.record, begun)
    with world.database.read() as tx:
        assert stable_names.any_dirty(tx)


def test_a_name_of_another_manifest_is_refused(world):
    night(world, "n1")
    with pytest.raises(UsageError, match="latest/mug.png belongs to spring/hero"):
        night(world, "m1", name="other")


def one(world: World, done: StableDone | None) -> stable_names.NameSwitched:
    with world.database.read() as tx:
        (name,) = stable_names.dirty(tx, 9)
    return stable_names.NameSwitched(name, done or StableDone())
