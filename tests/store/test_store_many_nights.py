"""Nights in any order, with whatever may happen between them: nothing is bought twice, or without cause."""

import random

import pytest
from support.world import World, run_spec, spec

from orchestrator.core import nights
from orchestrator.core.nights import Fate, Leftovers, NightRule, Regenerate
from orchestrator.core.states import AttemptState
from orchestrator.store.db.schema import attempts, jobs
from orchestrator.store.runs import adding, earlier, runs
from orchestrator.store.runs import jobs as job_store
from orchestrator.store.runs.new_jobs import encode

CHANGED = NightRule(Regenerate.CHANGED, leftovers=Leftovers.CANCEL)
PRODUCTS = 4
STEPS = 40


class ManyNights:
    """A manifest of a few products whose inputs change now and then, and people and workers around it."""

    def __init__(self, world: World, seed: int) -> None:
        self.world = world
        self.dice = random.Random(seed)
        self.inputs = [0] * PRODUCTS
        self.nights = 0
        self.wrong: list[str] = []

    def step(self) -> None:
        deeds = (self.night, self.night, self.again, self.work, self.work, self.work, self.reject, self.edit)
        self.dice.choice(deeds)()
        self.look()

    def edit(self) -> None:
        self.inputs[self.dice.randrange(PRODUCTS)] += self.dice.choice((1, -1))

    def night(self) -> None:
        self.nights += 1
        self.apply(self.nights)

    def again(self) -> None:
        """An earlier night is applied once more: late, or beside the next one."""
        if self.nights:
            self.apply(self.dice.randint(1, self.nights))

    def apply(self, number: int) -> None:
        wanted = [
            spec(10 * product + value % 3, prefix=f"p{product}", output_paths=(f"n{number}/{product}.png",))
            for product, value in enumerate(self.inputs)
        ]
        before = self.world.rows(jobs)
        with self.world.database.write() as tx:
            run = runs.ensure_run(tx, run_spec(run_key=f"n{number}"))
            adding.add_encoded(tx, run, [encode(item) for item in wanted], rule=CHANGED)
        known = {row.id for row in before}
        for row in self.world.rows(jobs):
            if row.id not in known and row.state == "pending":
                self.judge_bought(row, before)

    def judge_bought(self, row, before) -> None:
        for other in before:
            if other.key != row.key:
                continue
            if other.state == "succeeded" and other.verdict != "rejected":
                self.wrong.append(f"job {row.id} is bought, and job {other.id} has a good picture")
            if other.state == "running":
                self.wrong.append(f"job {row.id} is bought, and job {other.id} may be paid for")

    def work(self) -> None:
        states = (AttemptState.SUCCEEDED, AttemptState.SUCCEEDED, AttemptState.FAILED)
        states += (AttemptState.IN_DOUBT, AttemptState.IN_FLIGHT)
        if self.world.jobs()["pending"]:
            self.world.until(self.dice.choice(states))

    def reject(self) -> None:
        made = [row.id for row in self.world.rows(jobs) if row.state == "succeeded"]
        if made:
            with self.world.database.write() as tx:
                this = jobs.c.id == self.dice.choice(made)
                tx.conn.execute(jobs.update().where(this).values(verdict="rejected"))

    def look(self) -> None:
        rows = self.world.rows(jobs)
        opened = [row.key for row in rows if row.state in {"pending", "running"}]
        self.wrong += [f"{key} is open twice" for key in set(opened) if opened.count(key) > 1]
        by_id = {row.id: row for row in rows}
        tried = {row.job_id for row in self.world.rows(attempts)}
        for row in rows:
            if row.state == "reused":
                origin = by_id[row.reused_from]
                if (origin.key, origin.state) != (row.key, "succeeded") or row.id in tried:
                    self.wrong.append(f"job {row.id} points at job {origin.id}, {origin.state}")


def wrongs(world: World, seed: int) -> list[str]:
    nights_ = ManyNights(world, seed)
    for _ in range(STEPS):
        nights_.step()
    assert nights_.nights
    return nights_.wrong


@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_bought_twice_or_without_cause_over_any_nights(world, seed):
    assert wrongs(world, seed) == []


def all_is_bought(patch) -> None:
    patch.setattr(earlier, "fate", lambda rule, past, now: Fate.BUY)


def doubts_do_not_count(patch) -> None:
    genuine = nights.fate

    def forgetful(rule, past, now):
        known = nights.Past(past.made, past.rejected, past.failed, waiting=past.waiting)
        return genuine(rule, known, now)

    patch.setattr(earlier, "fate", forgetful)


def nothing_is_superseded(patch) -> None:
    patch.setattr(job_store, "cancel_waiting", lambda tx, ids, reason="": list(ids))


def rejected_pictures_serve(patch) -> None:
    made = earlier._MADE.replace("AND (jobs.verdict IS NULL OR jobs.verdict <> 'rejected')", "")
    patch.setattr(earlier, "_MADE", made.replace("jobs.key = wanted.value", "jobs.key <> wanted.value"))


BUGS = (all_is_bought, doubts_do_not_count, nothing_is_superseded, rejected_pictures_serve)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_noticed(sqlite_world, bug, monkeypatch):
    bug(monkeypatch)
    assert wrongs(sqlite_world, 1) or wrongs(sqlite_world, 2)
