"""Which pictures are handed over, on both databases; and which no check has looked at."""

from sqlalchemy import insert, select, update
from support.world import PRICE, run_spec, spec

from orchestrator.core.paths import path_key
from orchestrator.store.choosing import checks
from orchestrator.store.choosing.checks import CheckFound
from orchestrator.store.db.schema import job_specs, jobs, outputs, verdicts
from orchestrator.store.runs import adding, runs
from orchestrator.store.views.jobs import accepted
from orchestrator.store.views.jobs.walk import JobFilter


def make(world, *numbers: int, **settings) -> None:
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(settings=settings))
        adding.add_jobs(tx, run, [spec(number, price=PRICE) for number in numbers])
    for held in world.claim():
        world.send(held)
        world.accept(held)
        world.complete(held)
        world.finish(held)


def accept(world, *job_ids: int, who: str = "ada") -> None:
    with world.database.write() as tx:
        for job_id in job_ids:
            tx.conn.execute(update(jobs).where(jobs.c.id == job_id).values(verdict="accepted"))
            said = {"job_id": job_id, "at": tx.now, "verdict": "accepted", "who": who, "host": "here"}
            tx.conn.execute(insert(verdicts).values(**said, source="command"))


def found(world, wanted: JobFilter | None = None):
    return [each for page in accepted.pages(world.database, wanted or JobFilter()) for each in page]


def test_only_accepted_pictures_are_handed_over_each_with_the_last_who_accepted_it(world):
    make(world, 1, 2, 3, recipes={"shop": {"width": 8}})
    accept(world, 1, 3)
    accept(world, 3, who="bob")
    first, third = found(world)
    assert (first.job_id, first.by, third.job_id, third.by) == (1, "ada", 3, "bob")
    assert (first.path, first.stored_path) == ("hero/1-v1-0.png", "stored/1-0.png")
    assert first.recipes == {"shop": {"width": 8}}
    assert found(world, JobFilter(ids=(2,))) == []


def test_a_superseded_try_is_not_handed_over_and_one_on_its_way_to_its_name_is(world):
    make(world, 1, 2)
    accept(world, 1, 2)
    aside = {"clean_path": "hero/x.png", "clean_key": path_key("hero/x.png")}
    with world.database.write() as tx:
        tx.conn.execute(update(outputs).where(outputs.c.job_id == 1).values(**aside))
    assert [each.job_id for each in found(world)] == [2]
    with world.database.write() as tx:
        tx.conn.execute(update(outputs).where(outputs.c.job_id == 1).values(moving_to="hero/x.png"))
    assert [(each.job_id, each.path) for each in found(world)] == [(1, "hero/x.png"), (2, "hero/2-v1-0.png")]


def test_each_picture_is_unjudged_until_its_bytes_were_looked_at(world):
    make(world, 1, 2, checks={"blank": {"spread": 3}})
    with world.database.write() as tx:
        rules = checks.rules_of_runs(tx, None)
        ((run_id, (said, stored)),) = rules.items()
        assert (said, stored) == ({"blank": {"spread": 3}}, 2)
        first, second = checks.unjudged(tx, {run_id: said}, ())
        assert [each.job_id for each in checks.unjudged(tx, {run_id: said}, {(1, 0, first.path)})] == [2]
        looked = CheckFound(
            job_id=1, index=0, sha256=first.sha256, name="blank", passed=False, reason="It is teal."
        )
        checks.record(tx, [looked, looked])
        assert checks.unjudged(tx, {run_id: said}, ()) == [second]
        assert checks.failed(tx, [1, 2]) == {1: [looked]}
        tx.conn.execute(update(outputs).where(outputs.c.job_id == 1).values(sha256="other"))
        assert [each.job_id for each in checks.unjudged(tx, {run_id: said}, ())] == [1, 2]


def test_pictures_of_the_same_content_beside_one_are_its_siblings(world):
    make(world, 1, 2, 3, checks={"like_sibling": {"distance": 2}})
    with world.database.write() as tx:
        same = select(job_specs.c.params).where(job_specs.c.job_id == 1).scalar_subquery()
        tx.conn.execute(update(job_specs).where(job_specs.c.job_id == 3).values(params=same))
        rules = {run_id: said for run_id, (said, _) in checks.rules_of_runs(tx, None).items()}
        first, *_others = checks.unjudged(tx, rules, ())
        assert [each.job_id for each in checks.siblings(tx, first, 10)] == [3]
