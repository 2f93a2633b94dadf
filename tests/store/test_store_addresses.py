"""What https inputs served is recorded with each job, and another picture at an address is bought anew."""

from itertools import count
from random import Random

import pytest
from support.staged import Staged
from support.world import World, run_spec, spec

from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState
from orchestrator.core.url_inputs import GONE, SILENT, UNTOLD, UrlInputs
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.account.acts import Signature
from orchestrator.store.choosing import new_tries, redo_sources
from orchestrator.store.choosing.new_tries import WantedTry
from orchestrator.store.db.schema import job_specs, jobs
from orchestrator.store.runs import adding, runs
from orchestrator.store.runs.new_jobs import encode

URL = "https://in.example/a.png"
ASKING = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL, url_inputs=UrlInputs.ETAG, asks=True)
ALWAYS = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL, url_inputs=UrlInputs.ALWAYS)
_night = count(1)


def night(world: World, *answers: str, rule: NightRule = ASKING) -> adding.Added:
    """A run with a job for each answer: what its address serves, by one word."""
    key = f"n{next(_night)}"
    specs = [
        spec(number, output_paths=(f"{key}/{number}.png",), seen_urls={URL: told(answer)})
        for number, answer in enumerate(answers)
    ]
    with world.database.write() as tx:
        run = runs.ensure_run(tx, run_spec(run_key=key))
        return adding.add_encoded(tx, run, [encode(item) for item in specs], rule=rule)


def told(answer: str) -> str:
    return answer if answer in {GONE, SILENT, UNTOLD} else f'"{answer}" - -'


def made(world: World) -> int:
    return world.until(AttemptState.SUCCEEDED).job_id


def kept(world: World) -> list[str | None]:
    """What is recorded with each job, by one word."""
    seen = [row.seen_urls for row in world.rows(job_specs)]
    return [None if each is None else each[URL].split('"')[1] for each in seen]


def test_one_address_that_serves_another_picture_buys_one_job(world):
    night(world, "a", "b", "c")
    for _ in range(3):
        made(world)
    added = night(world, "a", "B", "c")
    assert (added.new, added.reused, added.at_address) == (1, 2, 1)
    assert kept(world)[3:] == ["B", "a", "c"]
    made(world)
    assert night(world, "a", "B", "c").reused == 3


def test_the_answer_that_counts_is_that_of_the_job_which_made_the_picture(world):
    """However many nights have reused it since, and whatever they could not see."""
    night(world, "a")
    made(world)
    for answer in ("a", SILENT, UNTOLD, "a"):
        assert night(world, answer).reused == 1
    assert kept(world) == ["a"] * 5
    assert night(world, "b").at_address == 1


def test_a_picture_of_unknown_origin_counts_from_the_first_answer_that_a_later_night_has(world):
    night(world, SILENT)
    made(world)
    for answer in (UNTOLD, "a", SILENT, "a"):
        assert night(world, answer).reused == 1
    assert kept(world) == [None, None, "a", "a", "a"]
    assert night(world, "b").at_address == 1


def test_over_any_nights_what_is_bought_is_what_is_known_to_be_another_picture(world):
    """Sixteen addresses over eight nights, each answering by chance; beside a rule of three lines."""
    chance, counting = Random(8), dict[int, str]()
    for night_number in range(8):
        answers = [chance.choice(["a", "b", SILENT, UNTOLD, GONE]) for _ in range(16)]
        if not night_number:
            answers = [SILENT if answer == GONE else answer for answer in answers]
        other = {n for n, now in enumerate(answers) if counting.get(n, now) != now and now in {"a", "b"}}
        added = night(world, *answers)
        assert (added.new, added.at_address) == ((len(other),) * 2 if night_number else (16, 0))
        for number, now in enumerate(answers):
            if now in {"a", "b"} and (number in other or number not in counting):
                counting[number] = now
        for _ in range(added.new):
            made(world)
    assert sum(row.state == "succeeded" for row in world.rows(jobs)) > 25


def test_inputs_that_change_back_are_bought_once_each(world):
    """The newest picture counts, and it was made from the other one."""
    night(world, "a")
    made(world)
    night(world, "b")
    made(world)
    assert night(world, "b").reused == 1
    assert night(world, "a").new == 1


def test_a_night_that_did_not_ask_takes_the_address_for_the_input(world):
    night(world, "a")
    made(world)
    assert night(world, UNTOLD, rule=NightRule(Regenerate.CHANGED)).reused == 1


def test_a_change_while_another_night_is_making_it_is_bought_after_that_and_not_beside(world):
    night(world, "a")
    world.lease()
    assert night(world, "b").under_way == 1


def test_a_job_whose_input_is_gone_is_not_bought_and_its_good_picture_serves(world):
    added = night(world, GONE, "b")
    assert (added.new, added.left_alone) == (1, 1)
    made(world)
    added = night(world, "a", GONE)
    assert (added.new, added.reused, added.left_alone) == (1, 1, 0)


def test_what_always_counts_as_another_is_bought_each_night_and_is_no_flood(world):
    night(world, UNTOLD, rule=ALWAYS)
    made(world)
    added = night(world, UNTOLD, rule=ALWAYS)
    assert (added.new, added.at_address) == (1, 0)


@pytest.mark.parametrize("again", ["a", "b"])
def test_a_try_that_a_person_asked_for_knows_what_its_inputs_were(world, again):
    night(world, "a")
    first = made(world)
    redo(world, first)
    tried = made(world)
    added = night(world, again)
    assert (added.reused, added.at_address) == ((1, 0) if again == "a" else (0, 1))
    if again == "a":
        assert world.rows(jobs)[-1].reused_from == tried


def test_an_accepted_try_of_the_picture_before_does_not_have_each_night_buy(world):
    night(world, "a")
    redo(world, made(world))
    Staged(world).say(JobVerdict.ACCEPTED, made(world))
    assert night(world, "b").at_address == 1
    newest = made(world)
    assert night(world, "b").reused == 1
    assert world.rows(jobs)[-1].reused_from == newest


def test_two_nights_that_see_one_change_at_once_buy_it_once(world):
    night(world, "a")
    made(world)
    assert night(world, "b").new == 1
    added = night(world, "b")
    assert (added.new, added.superseded) == (1, 1)
    assert world.jobs() == {"succeeded": 1, "cancelled": 1, "pending": 1}


def redo(world: World, job_id: int) -> None:
    with world.database.write() as tx:
        new_tries.lock(tx)
        source = redo_sources.sources(tx, [job_id], locked=True)[job_id]
        run = runs.run_by_id(tx, source.run_id)
        again = spec(0, key="", output_paths=(), params=source.params)
        new_tries.add_tries(
            tx, run, [WantedTry(source, again)], agreed={}, signed=Signature("ada", "here", "redo")
        )
