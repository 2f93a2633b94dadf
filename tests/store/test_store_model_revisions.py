"""Which revision of the model each job is made with is recorded, and pictures of an older one are bought anew
once, where a manifest says so.
"""

from itertools import count

from sqlalchemy import update
from support.staged import Staged
from support.world import World, run_spec, spec

from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.db.schema import job_specs, jobs
from orchestrator.store.runs import adding, runs
from orchestrator.store.runs.new_jobs import encode

KEEP = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL)
_night = count(1)


def renewed(number: int = 2) -> NightRule:
    return NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL, model_revision=number)


def night(world: World, products: int = 2, rule: NightRule = KEEP, *, release: int = 1) -> adding.Added:
    """A run as a release plans it that knows of so many revisions of the model."""
    release = rule.model_revision or release
    key = f"n{next(_night)}"
    specs = [
        spec(number, output_paths=(f"{key}/{number}.png",), model_revision=release)
        for number in range(products)
    ]
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(run_key=key))
        return adding.add_encoded(tx, run, [encode(item) for item in specs], rule=rule)


def made(world: World) -> int:
    return world.until(AttemptState.SUCCEEDED).job_id


def recorded(world: World) -> list[int | None]:
    return [row.model_revision for row in world.rows(job_specs)]


def test_a_new_revision_buys_each_picture_once_where_the_rule_says_so(world):
    night(world)
    made(world)
    made(world)
    assert night(world, release=2).reused == 2
    added = night(world, 3, renewed())
    assert (added.new, added.reused, added.outdated) == (3, 0, 2)
    assert recorded(world) == [1, 1, 1, 1, 2, 2, 2]  # what is reused tells what made its picture
    for _ in range(3):
        made(world)
    assert night(world, 3, renewed()).reused == 3
    assert recorded(world)[7:] == [2, 2, 2]


def test_two_nights_of_a_new_revision_at_once_buy_once(world):
    night(world, 1)
    made(world)
    night(world, 1, renewed())
    world.lease()
    added = night(world, 1, renewed())
    assert (added.new, added.under_way, added.outdated) == (0, 1, 0)


def test_jobs_of_before_such_records_are_of_the_first_revision(world):
    night(world, 1)
    made(world)
    with world.database.write() as tx:
        tx.conn.execute(update(job_specs).values(model_revision=None))
    assert night(world, 1, renewed(1)).reused == 1
    assert night(world, 1, renewed(2)).outdated == 1


def test_a_further_try_is_made_by_the_model_of_now_and_serves(world):
    staged = Staged(world)
    night(world, 1)
    first = made(world)
    staged.redo(first, revision=2)
    made(world)
    assert recorded(world) == [1, 2]
    assert night(world, 1, renewed()).reused == 1


def test_an_accepted_further_try_of_the_older_model_does_not_have_each_night_buy(world):
    staged = Staged(world)
    night(world, 1)
    staged.redo(made(world))
    staged.say(JobVerdict.ACCEPTED, made(world))
    assert night(world, 1, renewed()).new == 1
    newest = made(world)
    added = night(world, 1, renewed())
    assert (added.new, added.reused) == (0, 1)
    assert world.rows(jobs)[-1].reused_from == newest


def test_jobs_of_stages_are_made_anew_once_too(world):
    staged = Staged(world)
    staged.apply(1, accepted=False, run_key="n1")
    staged.make()
    staged.make()
    assert staged.apply(1, accepted=False, run_key="n2", rule=KEEP).reused == 2
    assert staged.apply(1, accepted=False, run_key="n3", rule=renewed()).new == 2
    staged.make()
    staged.make()
    assert staged.apply(1, accepted=False, run_key="n4", rule=renewed()).reused == 2


def test_a_job_of_a_stage_that_an_older_revision_made_is_bought_for_a_picture_that_serves(world):
    staged = Staged(world)
    staged.apply(1, accepted=False, run_key="n1")
    staged.make()
    staged.make()
    with world.database.write() as tx:
        newer = update(job_specs).where(job_specs.c.job_id == staged.base(0).id).values(model_revision=2)
        tx.conn.execute(newer)
    added = staged.apply(1, accepted=False, run_key="n2", rule=renewed())
    assert (added.new, added.reused, added.outdated) == (1, 1, 1)
