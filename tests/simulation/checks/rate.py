"""The account's limits, by the provider's count: POSTs in a minute, and tasks at once."""

from collections import deque

from .scene import Scene

MINUTE_SECONDS = 60.0


class RateChecks:
    """What leaves the workers, and what runs."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._departures: deque[float] = deque()

    def leaves(self, who: str) -> None:
        """A POST leaves a worker. Where the wall clock jumps, a minute has no length that all agree on."""
        plan, now = self._scene.plan, self._scene.account.now()
        self._departures.append(now)
        while self._departures[0] <= now - MINUTE_SECONDS:
            self._departures.popleft()
        if plan.clock_jump_ms == 0:
            self._scene.expect(
                len(self._departures) <= plan.submits_per_minute,
                "6",
                f"{len(self._departures)} POSTs in 60 s, allowed {plan.submits_per_minute} ({who})",
            )

    def tasks_at_once(self) -> None:
        """A person who allows a second paid attempt, and a mistaken adoption, may each add a task."""
        scene = self._scene
        if scene.uncertain or sum(scene.authorized.values()):
            return
        unknowable = scene.contested() - scene.known()  # an attempt of ours may hold a copy's task instead
        running = scene.account.running(scene.listed | unknowable)
        allowed = scene.plan.concurrency
        scene.expect(running <= allowed, "6", f"{running} tasks at once, allowed {allowed}")
