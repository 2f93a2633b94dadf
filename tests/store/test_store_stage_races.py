"""Two sessions at one picture: whatever is said of it, a job is claimed with the choice or not at all."""

import threading
from collections.abc import Callable

import pytest
from support.staged import SIGNED, Staged

from orchestrator.core.verdicts import JobVerdict, Opinion, VerdictSource
from orchestrator.store.choosing import verdicts
from orchestrator.store.choosing.made_again import make_again
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import needs


@pytest.fixture
def staged(world):
    return Staged(world)


def beside(first: Callable[[], None], second: Callable[[], None]) -> None:
    """`second` in a thread of its own while `first` has its transaction open."""
    thread = threading.Thread(target=second)

    def then() -> None:
        thread.start()
        thread.join(0.3)

    first(then)
    thread.join()


def saying(database, verdict: JobVerdict, job_id: int):
    def say(then=lambda: None) -> None:
        with database.write() as tx:
            said = Opinion(verdict)
            verdicts.judge(tx, [job_id], said, signed=SIGNED, source=VerdictSource.COMMAND)
            then()

    return say


def claiming(world, database, got: list):
    def take(then=lambda: None) -> None:
        with database.write() as tx:
            (answer,) = claim.claim(tx, [world.request(worker="w2")])
            then()
        got.extend(answer.claimed)

    return take


def test_a_claim_beside_a_rejection_takes_nothing_that_is_rejected_before_it(staged, open_database):
    staged.apply(1, accepted=False)
    made, got = staged.make(), []
    beside(
        saying(staged.world.database, JobVerdict.REJECTED, made), claiming(staged.world, open_database(), got)
    )
    assert (got, staged.world.claim()) == ([], ())
    assert staged.cutout(0).reason == "needs_picture"


def test_a_rejection_beside_a_claim_leaves_what_is_claimed_as_it_was_given(staged, open_database):
    staged.apply(1, accepted=False)
    made, got = staged.make(), []
    beside(
        claiming(staged.world, staged.world.database, got), saying(open_database(), JobVerdict.REJECTED, made)
    )
    assert [each.local_images["@picture"]["sha256"] for each in got] == [staged.sha_of(0)]
    assert staged.cutout(0).needs_sha256 == staged.sha_of(0)


def test_of_two_who_accept_at_once_the_last_word_is_what_is_claimed(staged, open_database):
    staged.apply(1)
    first = staged.make()
    second = staged.redo(first)
    staged.make()
    beside(
        saying(staged.world.database, JobVerdict.ACCEPTED, first),
        saying(open_database(), JobVerdict.ACCEPTED, second),
    )
    (last,) = (row for row in staged.world.rows(verdicts.verdicts)[-1:])
    staged.world.claim()  # it may find that something was missed
    with staged.world.database.write() as tx:
        needs.settle_missed(tx, [needs.missed(tx, 0)[0]])
    staged.world.claim()
    made_of = {first: staged.sha_of(0), second: staged.sha_of(1)}
    assert staged.cutout(0).needs_sha256 == made_of[last.job_id]
    assert staged.cutout(0).state == "running"


def test_two_applies_at_once_make_everything_once_and_again_once(staged, open_database):
    other = Staged(type(staged.world)(open_database(), staged.world.clock, staged.world.entropy))
    both = [staged, other]
    threads = [threading.Thread(target=each.apply, args=(2,), kwargs={"accepted": False}) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(staged.world.rows(jobs)) == 4
    for _ in range(4):
        staged.make()
    staged.redo(staged.base(0).id)
    staged.make()
    made: list[int] = []

    def again(each: Staged) -> None:
        with each.world.database.write() as tx:
            made.append(make_again(tx, each.run().id, SIGNED, revisions={}))

    threads = [threading.Thread(target=again, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [0, 1]
