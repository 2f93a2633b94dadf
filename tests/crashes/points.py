"""Where workers are killed: every named point of the program, some after several passings."""

import random
from dataclasses import dataclass

from crashes.cycle import After, At, Kill
from crashes.edited import EDITED
from crashes.stage import CAPPED, LOSSY, MIXED, SEPARATE, Scenario


@dataclass(frozen=True)
class Case:
    """Kills in a row, and the work they disturb."""

    kills: tuple[Kill, ...]
    scenario: Scenario = MIXED
    again: bool = False

    def __str__(self) -> str:
        apart = " apart" if self.scenario is SEPARATE else ""
        return f"{self.scenario.name}{apart}: " + ", then ".join(map(str, self.kills))


def _at(point: str, times: int = 1, scenario: Scenario = MIXED, *, again: bool = False) -> Case:
    return Case((At(point, times),), scenario, again)


AT_FIRST = (
    _at("migrate.statement", 1),
    _at("migrate.statement", 20),
    _at("db.before_commit", 3),
    _at("db.before_commit", 9),
    _at("db.after_commit", 9),
    _at("claim.committed"),
    _at("upload.hosted"),
    _at("submit.committed", 1, CAPPED),
    _at("submit.committed", 4),
    _at("submit.answered", 1, again=True),
    _at("submit.recorded", 2),
    _at("poll.completed", 3),
    _at("poll.recorded", 2),
    _at("poll.failed", 1),
    _at("artifact.temp_created", 2),
    _at("artifact.half_written", 1),
    _at("artifact.synced", 2),
    _at("artifact.renamed", 1, again=True),
    _at("artifact.half_written", 2, SEPARATE),
    _at("artifact.renamed", 2, SEPARATE, again=True),
    _at("fetch.stored", 2),
    _at("fetch.stored", 2, SEPARATE),
    _at("fetch.recorded", 1),
    _at("rescue.committed"),
)
"""One kill each."""

AFTER_ANOTHER_KILL = (
    Case((At("submit.committed", 3), At("rescue.committed"))),
    Case((At("submit.answered", 2), At("resolve.judged")), CAPPED),
    Case((At("submit.committed", 1), At("submit.committed", 3)), CAPPED),  # sent again after proof of absence
    Case((At("artifact.renamed", 1), At("artifact.renamed", 1), At("fetch.stored", 1))),
    Case((After(0.25), After(0.35))),
    Case((At("move.decided"), At("move.secured"), At("move.named", 2)), EDITED),
    Case((At("move.replaced"), At("move.moved"), At("move.recorded")), EDITED, again=True),
)
"""Kills of those who come to help."""

POINTS = tuple(
    dict.fromkeys(
        kill.point for case in (*AT_FIRST, *AFTER_ANOTHER_KILL) for kill in case.kills if isinstance(kill, At)
    )
)
BY_TESTS_OF_THEIR_OWN = (
    "bill.read",
    "resolve.confirmed",
    "stable.copied",
    "stable.named",
    "tick.expanded",
    "tick.taken",
)
"""Points that a worker passes only long after its jobs have ended, or only where webhooks are configured, or
where a manifest has stable names (`tests/artifacts/test_stable_names.py`) or a schedule
(`tests/worker/test_worker_nights.py`).
"""

PASSINGS_MAX = {"migrate.statement": 60, "db.before_commit": 40, "db.after_commit": 40}
"""How often a point is passed in one worker's life, about; others: as often as there are jobs."""

WORKER_SECONDS = 1.5
"""About how long a worker lives that nobody kills."""


def drawn(dice: random.Random) -> Case:
    """A case by chance: one to three kills, at points or times, of any work."""
    scenario = dice.choice((MIXED, SEPARATE, CAPPED, LOSSY, EDITED))
    return Case(tuple(_drawn_kill(dice) for _ in range(dice.choice((1, 1, 2, 3)))), scenario)


def _drawn_kill(dice: random.Random) -> Kill:
    if dice.random() < 0.4:
        return After(dice.uniform(0.05, WORKER_SECONDS))
    point = dice.choice(POINTS)
    return At(point, dice.randint(1, PASSINGS_MAX.get(point, 6)))
