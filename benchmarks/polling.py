"""Polls per job and how late a result is noticed, against polling every second, in a simulation of the
product's own policy.

    python -m benchmarks.polling [tasks] [--more]

The orchestrator's policy is `orchestrator.core.polling` with what `orchestrator.worker.pipeline.latencies`
learns on the way, from nothing, under the default settings. Fixed 1 s is what the official client does. A
delay counts relative to the task's own latency: a second matters for a task of three and not for one of a
minute. Completed tasks come with the provider's own timing of them; the last column is without.
"""

import argparse
import heapq
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from math import ceil, exp

from benchmarks import machine, table
from benchmarks.stage import MODEL, percentile
from orchestrator.app import model_facts
from orchestrator.core.polling import estimated_latency, first_look_seconds, next_look_seconds
from orchestrator.settings.model import WorkerSettings
from orchestrator.worker.pipeline.latencies import Latencies

TARGET = 0.6
SUBMITS_PER_SECOND = 5.0
Shape = Callable[[random.Random], float]


def _two_peaks(dice: random.Random) -> float:
    return (8.0 if dice.random() < 0.7 else 40.0) * exp(dice.gauss(0.0, 0.15))


def _stragglers(dice: random.Random) -> float:
    return 10.0 * exp(dice.gauss(0.0, 0.25)) * (5.0 * dice.paretovariate(3.0) if dice.random() < 0.1 else 1.0)


SHAPES: dict[str, Shape] = {
    "log-normal, median 10 s": lambda dice: 10.0 * exp(dice.gauss(0.0, 0.35)),
    "log-normal, median 40 s": lambda dice: 40.0 * exp(dice.gauss(0.0, 0.35)),
    "quick, 2 to 5 s": lambda dice: dice.uniform(2.0, 5.0),
    "two peaks, 8 s and 40 s": _two_peaks,
    "10 s, a tenth of them stragglers": _stragglers,
}

MORE: dict[str, Shape] = {
    "25 s, hardly varying": lambda dice: 25.0 * exp(dice.gauss(0.0, 0.05)),
    "always 2 s": lambda _dice: 2.0,
    "log-normal, median 2.5 s": lambda dice: 2.5 * exp(dice.gauss(0.0, 0.3)),
    "log-normal, median 60 s": lambda dice: 60.0 * exp(dice.gauss(0.0, 0.3)),
    "log-normal, median 10 s, wide": lambda dice: 10.0 * exp(dice.gauss(0.0, 0.6)),
    "5 s and an exponential 10 s": lambda dice: 5.0 + dice.expovariate(0.1),
    "uniform, 10 to 60 s": lambda dice: dice.uniform(10.0, 60.0),
}
"""Shapes that the policy was not fitted to."""


@dataclass(frozen=True, slots=True)
class PollingOutcome:
    """What a policy cost and brought."""

    looks: float  # a task
    delay_p95: float  # seconds
    relative_p95: float  # of the delay as a share of the task's latency


def fixed(latencies: list[float]) -> PollingOutcome:
    """A poll every second from acceptance on."""
    looks = [ceil(latency) for latency in latencies]
    return _outcome(
        latencies, looks, [look - latency for look, latency in zip(looks, latencies, strict=True)]
    )


def ours(latencies: list[float], dice: random.Random, *, timed: bool) -> PollingOutcome:
    """The worker's policy on a virtual clock; tasks are accepted at a steady pace."""
    looks, delays = [0] * len(latencies), [0.0] * len(latencies)
    for task, elapsed in _looks(latencies, dice, timed=timed):
        looks[task] += 1
        delays[task] = elapsed - latencies[task]
    return _outcome(latencies, looks, delays)


def _looks(latencies: list[float], dice: random.Random, *, timed: bool) -> Iterator[tuple[int, float]]:
    """Every poll in order of time: the task, and how long after its acceptance."""
    learnt, settings = Latencies(), WorkerSettings()
    bounds = {"minimum": settings.poll_min_seconds, "maximum": settings.poll_max_seconds}
    guess = model_facts(MODEL).typical_latency_seconds
    order, due = count(), [(number / SUBMITS_PER_SECOND, -1, number) for number in range(len(latencies))]
    running_at = [0] * len(latencies)
    accepted = [at for at, _order, _task in due]
    while due:
        now, place, task = heapq.heappop(due)
        usual, elapsed = learnt.typical(MODEL, guess), now - accepted[task]
        if place < 0:
            wait = first_look_seconds(usual, **bounds, uniform=dice.uniform)
        else:
            yield task, elapsed
            if elapsed >= latencies[task]:
                inference = round(1000 * latencies[task]) if timed else None
                learnt.add(MODEL, estimated_latency(round(1000 * elapsed), running_at[task], inference))
                continue
            running_at[task] = round(1000 * elapsed)
            wait = next_look_seconds(elapsed, usual, **bounds, uniform=dice.uniform)
        heapq.heappush(due, (now + wait, next(order), task))


def _outcome(latencies: list[float], looks: list[int], delays: list[float]) -> PollingOutcome:
    relative = sorted(delay / latency for delay, latency in zip(delays, latencies, strict=True))
    return PollingOutcome(
        sum(looks) / len(looks), percentile(sorted(delays), 0.95), percentile(relative, 0.95)
    )


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description="Polls per job, simulated.")
    parser.add_argument("tasks", nargs="?", type=int, default=20_000)
    parser.add_argument("--more", action="store_true", help="shapes that the policy was not fitted to")
    given = parser.parse_args()
    tasks = given.tasks
    print(f"{machine.name()}\n{tasks:,} tasks of each shape, simulated; nothing is known at the start\n")
    lines = []
    for title, shape in (MORE if given.more else SHAPES).items():
        dice = random.Random(title)
        latencies = [shape(dice) for _ in range(tasks)]
        them, us = fixed(latencies), ours(latencies, dice, timed=True)
        untimed = ours(latencies, dice, timed=False)
        lines.append(
            (
                title,
                f"{them.looks:.1f}",
                f"{us.looks:.1f}",
                table.at_most(us.looks / them.looks, TARGET),
                f"{them.delay_p95:.2f} s, {them.relative_p95:.1%}",
                f"{us.delay_p95:.2f} s, {us.relative_p95:.1%}",
                "yes" if us.relative_p95 <= them.relative_p95 else "no",
                f"{untimed.looks / them.looks:.2f}, {untimed.relative_p95:.1%}",
            )
        )
    heads = ("Latencies", "Polls/job every 1 s", "ours", "Ratio", "p95 delay every 1 s", "ours", "No later?")
    table.show((*heads, "Ratio, p95 delay without timings"), lines)


if __name__ == "__main__":
    main()
