"""Whatever happens in whatever order to pictures, verdicts and money: nothing is made of a picture that was
not the choice when it was claimed, and a chain that was begun can be finished.
"""

import random

import pytest
from sqlalchemy import select
from support.staged import SIGNED, Staged
from support.world import PRICE

from orchestrator.core.states import JobState
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.attempts.lifecycle import Send
from orchestrator.store.choosing.made_again import make_again
from orchestrator.store.claiming import chains
from orchestrator.store.db.schema import Scope, attempts, jobs, outputs
from orchestrator.store.money.caps import balance
from orchestrator.store.runs import needs
from orchestrator.store.runs.jobs import cancel, retry

STEPS = 40


class StageWalk:
    """One run with stages, to which things happen by chance."""

    def __init__(self, world, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = world
        self.staged = Staged(world)
        self.accepted = self.dice.random() < 0.5
        self.chained = self.dice.random() < 0.5
        self.shape = {"stages": ("cutout", "upscale"), "accepted": self.accepted, "images": 2}
        self.live: list = []
        self.cap = PRICE * self.dice.randint(6, 30)
        world.cap(self.cap)
        self.apply()

    def apply(self) -> None:
        added = self.staged.apply(3, chain_reserved=self.chained, **self.shape)
        assert added.new in {0, 3 * 4}  # a cutout of each of two pictures, an upscale of the first
        with self.world.database.write() as tx:
            make_again(tx, self.staged.run().id, SIGNED, revisions={})

    def claim(self) -> None:
        for each in self.world.claim(self.dice.randint(1, 3)):
            self.live.append(each)
            self.check_picture(each)

    def check_picture(self, held) -> None:
        """It is stored, of the right job, neither flagged nor rejected, and accepted where that is asked."""
        job = self.world.job(held)
        if job.needs_job is None:
            return
        assert job.needs_sha256 == held.local_images["@picture"]["sha256"]
        tries = {job.needs_job} | {row.id for row in self.rows() if row.redo_of is not None}
        with self.world.database.read() as tx:
            query = select(outputs, jobs.c.verdict, jobs.c.state.label("made")).join(jobs)
            found = [
                row
                for row in tx.conn.execute(query.where(outputs.c.sha256 == job.needs_sha256))
                if row.job_id in tries and row.idx == job.needs_index
            ]
        assert len(found) == 1
        assert (found[0].made, found[0].nsfw) in {("succeeded", None), ("succeeded", False)}
        assert found[0].verdict != "rejected"
        assert found[0].verdict == "accepted" or not job.needs_accepted

    def end(self) -> None:
        if not self.live:
            return
        held = self.live.pop(self.dice.randrange(len(self.live)))
        if self.world.send(held) is not Send.GO:  # it was called off
            self.world.give_back(held)
            return
        if self.dice.random() < 0.2:
            self.world.reject(held)
            return
        self.world.accept(held)
        if self.dice.random() < 0.2:
            self.world.fail(held, delay_ms=0, refund_ms=0)
            return
        images = self.world.job(held).images
        self.world.complete(held, images)
        flagged = tuple(index for index in range(images) if self.dice.random() < 0.15)
        self.staged.finish(held, images, flagged=flagged)

    def say(self) -> None:
        if made := [row.id for row in self.rows() if row.state == JobState.SUCCEEDED]:
            word = self.dice.choice([JobVerdict.ACCEPTED, JobVerdict.ACCEPTED, JobVerdict.REJECTED])
            self.staged.say(word, self.dice.choice(made))

    def again(self) -> None:
        if made := [row.id for row in self.rows() if row.state == JobState.SUCCEEDED]:
            self.staged.redo(self.dice.choice(made))

    def turn(self) -> None:
        ids = [row.id for row in self.rows()]
        with self.world.database.write() as tx:
            self.dice.choice([cancel, retry])(tx, [self.dice.choice(ids)])

    def rows(self) -> list:
        return self.world.rows(jobs)

    def left(self) -> int:
        with self.world.database.read() as tx:
            counted = balance(tx, ("account", 0, "total"))
            return self.cap - sum(counted), chains.kept(tx).under(Scope.ACCOUNT, 0)

    def check(self) -> None:
        self.world.check_money()
        with self.world.database.read() as tx:
            assert needs.missed(tx, 0) == ([], None)
        for row in self.rows():
            if row.needs_job is not None and row.queue == "ready":
                assert row.needs_sha256 is not None
        keys = [(row.redo_of, row.needs_sha256) for row in self.rows() if row.state == JobState.RUNNING]
        assert len(keys) == len([row for row in self.world.rows(attempts) if row.finished_at is None])


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_made_of_a_picture_that_is_not_the_choice(world, seed):
    walk = StageWalk(world, seed)
    steps = (walk.claim, walk.claim, walk.end, walk.end, walk.end, walk.say, walk.say, walk.again, walk.turn)
    for _ in range(STEPS):
        walk.dice.choice((*steps, walk.apply))()
        walk.check()


@pytest.mark.parametrize("seed", range(2))
def test_a_chain_that_was_begun_can_be_finished(world, seed):
    """Without words that bring back what was given up, no more is kept than is left under the cap."""
    walk = StageWalk(world, seed)
    walk.chained = True
    walk.apply()
    other = world.run(5, name="other")
    for _ in range(STEPS // 2):
        walk.dice.choice((walk.claim, walk.claim, walk.end, walk.end, walk.end))()
        left, kept = walk.left()
        assert kept <= left
        walk.check()
    assert other.id
