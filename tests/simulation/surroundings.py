"""What happens around the workers: other users of the account, people, the clock, a backup."""

import asyncio
import random
from contextlib import suppress
from typing import TYPE_CHECKING

from .plan import PICTURE, prompts
from .process import PowerCut
from .reviewers import Reviewers
from .timeline import ViolationError

if TYPE_CHECKING:
    from .simulation import Simulation

LATE_SECONDS = 150.0
"""Until then everything that was sent has become a task: see `lost_created_late` and SUBMIT_SECONDS."""

BACKUP_AT_CLAIM = 0.5
"""How often a backup is taken at its worst moment."""


class Surroundings:
    """Whatever disturbs the workers while the faults last."""

    def __init__(self, simulation: "Simulation") -> None:
        self._simulation = simulation
        self.reviews = simulation.plan.reviews  # still to come

    def begin(self, loop: asyncio.AbstractEventLoop) -> list[asyncio.Task[None]]:
        """All of it, beside the workers."""
        disturbances = [
            loop.create_task(job)
            for job in (
                self.foreigners(),
                self.other_copy(),
                self.people(),
                self.steering(),
                self.buyer(),
                self.reviewers(),
                self.clock(),
                self.backup(),
                self.mass_kill(),
                self.idleness(),
            )
        ]
        for disturbance in disturbances:
            disturbance.add_done_callback(self._has_ended)
        return disturbances

    def _has_ended(self, disturbance: asyncio.Task[None]) -> None:
        """A disturbance that broke disturbs nothing any more, and its seed would prove nothing."""
        error = None if disturbance.cancelled() else disturbance.exception()
        if error is not None:
            self._simulation.checker.broke("a disturbance", error)
            self._simulation.failed.set()

    async def foreigners(self) -> None:
        """Other users of the same account."""
        for _ in range(self._simulation.plan.foreign_tasks):
            await asyncio.sleep(
                self._simulation.dice.uniform(
                    0, self._simulation.plan.faults_until / max(1, self._simulation.plan.foreign_tasks)
                )
            )
            self._simulation.account.create(self._simulation.account.foreign_inputs(), foreign=True)
            self._simulation.timeline.faults["foreign_task"] += 1

    async def other_copy(self) -> None:
        """Another copy of the store, whose workers live: it buys one job after another, as its list of
        jobs says."""
        dice = random.Random(f"copy {self._simulation.plan.seed}")
        jobs = [params for run in self._simulation.plan.runs for _, _, params in prompts(run)]
        first = dice.randrange(len(jobs))
        await asyncio.sleep(dice.uniform(0, self._simulation.plan.faults_until))
        for params in (jobs[first:] + jobs[:first])[: self._simulation.plan.copy_buys]:
            if self._simulation.account.quiet:
                return
            self._simulation.account.create({**params, "images": [PICTURE]}, foreign=True, by_copy=True)
            self._simulation.timeline.faults["bought_by_copy"] += 1
            await asyncio.sleep(dice.choice((dice.uniform(0, 2), dice.uniform(0, 120))))

    async def people(self) -> None:
        while self._simulation.commands:
            await asyncio.sleep(self._simulation.dice.uniform(1, 250))
            self._simulation.commands -= 1
            if self._simulation.account.quiet:
                return
            try:
                if self._simulation.stops and self._simulation.dice.random() < 0.2:
                    pid = self._simulation.dice.choice(sorted(self._simulation.stops))
                    self._simulation.timeline.mark("operator", "interrupts", self._simulation.alive[pid].name)
                    self._simulation.stops[pid].request()
                else:
                    self._simulation.operator.act()
            except ViolationError:
                self._simulation.failed.set()
                raise

    async def steering(self) -> None:
        """Somebody who changes the order of what waits, and lets everything go when the faults are over."""
        simulation = self._simulation
        if not simulation.plan.steered:
            return
        dice = random.Random(f"steering of {simulation.plan.seed}")
        while not simulation.account.quiet:
            await asyncio.sleep(dice.uniform(2, 60))
            simulation.operator.steering.act()
        simulation.operator.steering.rest()

    async def buyer(self) -> None:
        """Somebody who may accept a price that became dearer, after a while."""
        dice = random.Random(f"buyer {self._simulation.plan.seed}")
        while self._simulation.plan.price_changes and dice.random() < 0.9:
            await asyncio.sleep(dice.uniform(20, 400))
            self._simulation.operator.accept_price()

    async def reviewers(self) -> None:
        """People choose among the pictures while they are made."""
        dice = random.Random(f"reviews {self._simulation.plan.seed}")
        people = Reviewers(self._simulation)
        while self.reviews:
            await asyncio.sleep(dice.uniform(2, 40))
            if self._simulation.account.quiet:
                return
            made = self._simulation.checker.rows("SELECT 1 FROM jobs WHERE state = 'succeeded' LIMIT 1")
            if not made and not self._simulation.plan.nights:
                continue
            self.reviews -= 1
            try:
                people.act()
            except ViolationError:
                self._simulation.failed.set()
                raise
            except Exception as error:
                self._simulation.checker.broke("a reviewer", error)
                self._simulation.failed.set()
                raise

    async def clock(self) -> None:
        """The wall clock jumps; everybody sleeps."""
        if self._simulation.plan.clock_jump_ms:
            await asyncio.sleep(self._simulation.dice.uniform(5, self._simulation.plan.faults_until))
            self._simulation.world.offset_ms += self._simulation.plan.clock_jump_ms
            self._simulation.timeline.fault("clock", "clock_jump", self._simulation.plan.clock_jump_ms)
        if self._simulation.plan.long_sleep:
            at, seconds = self._simulation.plan.long_sleep
            await asyncio.sleep(max(0.0, at - self._simulation.loop.time()))
            if self._simulation.account.quiet:
                return
            self._simulation.timeline.fault("clock", "everybody_sleeps", seconds)
            for process in self._simulation.alive.values():
                process.freeze(seconds)

    async def mass_kill(self) -> None:
        """All workers die at once, with several requests on the wire: one rescue finds all of those."""
        if self._simulation.plan.mass_kill is None:
            return
        await asyncio.sleep(self._simulation.plan.mass_kill)
        while not self._simulation.account.quiet:
            (sending,) = self._simulation.checker.rows(
                "SELECT count(*) AS n FROM attempts WHERE state = 'submitting'"
            )
            if sending["n"] > 1:
                self._simulation.timeline.fault("power", "mass_kill", sending["n"])
                for process in list(self._simulation.alive.values()):
                    with suppress(PowerCut):
                        process.cut("with all others")
                return
            await asyncio.sleep(0.1)

    async def idleness(self) -> None:
        """Somebody looks at what `status` tells, now and then."""
        while True:
            await asyncio.sleep(30.0)
            working = [
                process
                for process in self._simulation.alive.values()
                if not process.dead and not process.is_frozen
            ]
            stops = self._simulation.stops
            buys = any(process.pid not in stops or not stops[process.pid].stopping for process in working)
            try:
                with self._simulation.reader.read() as tx:
                    self._simulation.checker.idling.looked(
                        tx, {process.name for process in working}, buys=buys
                    )
            except ViolationError:
                self._simulation.failed.set()
                return

    async def backup(self) -> None:
        """A backup is taken, and put back later: the files and the provider stay as they are."""
        if self._simulation.plan.restored is None:
            return
        at, taken = self._simulation.plan.restored
        await asyncio.sleep(taken)
        while not self._simulation.checker.rows(
            "SELECT 1 FROM attempts WHERE accepted_at IS NOT NULL LIMIT 1"
        ):
            if self._simulation.loop.time() > self._simulation.plan.faults_until:
                self._simulation.put_back = True
                return
            await asyncio.sleep(5.0)  # a database that knows of no task cannot tell that some are missing
        if self._simulation.dice.random() < BACKUP_AT_CLAIM:
            await self._until_leased()
        kept = self._simulation.bench.backup()
        self._simulation.timeline.mark("operator", "takes a backup")
        await asyncio.sleep(at - taken)
        self._simulation.open.clear()
        for process in list(self._simulation.alive.values()):
            with suppress(PowerCut):
                process.cut("for the backup")
        await asyncio.sleep(self._simulation.plan.list_lag + LATE_SECONDS)
        self._simulation.bench.restore(kept)
        self._simulation.timeline.fault("operator", "restored")
        self._simulation.checker.restored()
        self._simulation.put_back = True
        self._simulation.open.set()

    async def _until_leased(self) -> None:
        """Wait for the worst moment to take a backup: what is claimed, and is not known to be sent."""
        for _ in range(400):
            if self._simulation.checker.rows("SELECT 1 FROM attempts WHERE state = 'leased' LIMIT 1"):
                return
            await asyncio.sleep(0.05)
