"""A whole worker on a fake clock, and attempts whose reply was lost, in few words."""

import pytest
from account import Account
from support.workshop import Workshop

from orchestrator.core.evidence import inputs_digest
from orchestrator.store import attempts, doubts
from orchestrator.store.audit import audit
from orchestrator.store.schema import foreign_predictions
from orchestrator.worker.resolve import LOOK_SECONDS_MAX, Resolver


@pytest.fixture
def provider(clock) -> Account:
    return Account(clock)


@pytest.fixture
def shop(sqlite_world, provider, artifacts) -> Workshop:
    """A worker on SQLite, whose own pace is the product's."""
    return Workshop(sqlite_world, provider, artifacts)


class Bureau:
    """Loses replies and looks for what became of them."""

    def __init__(self, world, shop):
        self.world = world
        self.shop = shop
        self.resolver = Resolver(shop.deps(), "w2")
        self.looked_at = float("-inf")

    def lose(self, *, created, seconds=0.0):
        """Claim a job, send it, lose the reply; the task it created, if it did."""
        (claimed,) = self.world.claim(1)
        row = attempts.BeginSubmit(
            claimed.attempt_id, claimed.epoch, inputs_digest(claimed.params, claimed.params)
        )
        self.world.do(attempts.begin_submit, row)
        task = self.shop.provider.create(claimed.params).id if created else None
        self.world.clock.advance(seconds)
        self.world.do(attempts.doubt, attempts.Doubt(claimed.attempt_id, claimed.epoch, "reset"))
        return claimed, task

    def look(self, times=1, *, after=0.0):
        """Time passes, then the resolver looks so many times, as early as it may; what it adopted."""
        clock = self.world.clock
        clock.advance(after)
        adopted = []
        for _ in range(times):
            clock.advance(max(0.0, self.looked_at + LOOK_SECONDS_MAX - clock.monotonic()))
            adopted += self.tick()
            self.looked_at = clock.monotonic()
        return adopted

    def tick(self):
        """The resolver's loop is woken now; what it adopted."""
        return self.shop.run(self.resolver.tick())[1]

    def state(self, claimed):
        row = self.world.attempt(claimed)
        return (row.state, row.reason)

    def noted(self):
        return {row.prediction_id for row in self.world.rows(foreign_predictions)}

    def possible(self, claimed):
        with self.world.database.read() as tx:
            return {row.prediction_id for row in doubts.possible(tx) if row.attempt_id == claimed.attempt_id}


@pytest.fixture
def bureau(sqlite_world, shop) -> Bureau:
    return Bureau(sqlite_world, shop)


@pytest.fixture
def agreed():
    """Asserts that everything that is kept twice agrees, by the product's own audit and by the test's sums."""

    def check(world, *, caps=True):
        with world.database.read() as tx:
            assert audit(tx).differences == ()
        if caps:
            world.check_money()

    return check
