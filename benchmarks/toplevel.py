"""The provider's largest level for minutes: 5,000 submits a minute, tasks of 10 to 60 s, up to 5,000 in
flight.

    python -m benchmarks.toplevel [minutes] [--task-seconds 24.5]

One worker on SQLite FULL with everything on, at the pace that the account's limits set; the sandbox, in its
own process, has the same limits and refuses what passes them. Two bounds: what nobody can beat (in any 60 s
at most 5,000 submits, all at once when the minute allows them; the last then takes as long as it takes), and
a steady 83 submits a second. Processor and memory are read every second.
"""

import argparse
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from benchmarks import machine, ours, process, stage, table

SUBMITS_PER_MINUTE = 5_000
LATENCY_MEDIAN, LATENCY_SIGMA = 24.5, 0.24
"""Log-normal: of 50,000 tasks all but a few take 10 to 60 s."""

LIMITS = f"{{level: ultra, concurrency: 5000, submits_per_minute: {SUBMITS_PER_MINUTE}, downloads: 64}}"
Sample = tuple[float, float, float]
"""Seconds since the start, processor seconds, resident MB."""


def watched(ready: Callable[[], None], path: Path) -> list[Sample]:
    """Our worker, with a thread beside it that reads what the process takes."""
    samples: list[Sample] = []
    ended = threading.Event()

    def watch() -> None:
        began, used = time.perf_counter(), time.process_time()
        while not ended.wait(1.0):
            since = time.perf_counter() - began
            samples.append((since, time.process_time() - used, process.resident_mb()))

    watcher = threading.Thread(target=watch)

    def ready_then_watch() -> None:
        ready()
        watcher.start()

    ours.work(ready_then_watch, path)
    ended.set()
    watcher.join()
    return samples


def run(minutes: float, task_seconds: float) -> tuple[process.Used, stage.Judged]:
    """`minutes` x 5,000 jobs, once."""
    jobs = round(minutes * SUBMITS_PER_MINUTE)
    switches = {"level": "ultra", "concurrency": 5_000, "submits_per_minute": SUBMITS_PER_MINUTE}
    with stage.sandbox(latency_median=task_seconds, latency_sigma=LATENCY_SIGMA, **switches) as sandbox:
        path = ours.project(sandbox.url, jobs, limits=LIMITS)
        used = process.run(watched, path)
        ours.check_all_done(path, jobs)
        return used, sandbox.judge()


def show(minutes: float, used: process.Used, judged: stage.Judged) -> None:
    """The figures, each target beside its own."""
    jobs = round(minutes * SUBMITS_PER_MINUTE)
    longest = max(judged.latencies[-SUBMITS_PER_MINUTE:])
    floor = 60.0 * max(0.0, minutes - 1) + longest
    steady = jobs * 60.0 / SUBMITS_PER_MINUTE + judged.latencies[-1]
    wall, share = used.wall_seconds, used.cpu_seconds / used.wall_seconds
    delays = judged.delays
    table.show(
        ("What", "Figure"),
        (
            ("makespan", f"{wall:.0f} s"),
            (
                "against 83 submits a second and the last task",
                f"{steady:.0f} s: {table.at_most(wall / steady, 1.03)}",
            ),
            ("against what the limits allow at best", f"{floor:.0f} s: {wall / floor:.3f}"),
            ("share of one core", table.at_most(100 * share, 40, " %")),
            ("resident memory at most", table.at_most(used.memory_mb, 250, " MB")),
            ("tasks in flight at most", f"{judged.peak:,}"),
            ("polls/job", f"{judged.looks:.1f}"),
            (
                "noticed late by p50 / p95",
                f"{stage.percentile(delays, 0.5):.2f} / {stage.percentile(delays, 0.95):.2f} s",
            ),
        ),
    )


def show_over_time(samples: list[Sample]) -> None:
    """Ten rows of what it took."""
    marks = [samples[round(tenth * (len(samples) - 1) / 10)] for tenth in range(11)]
    table.show(
        ("Seconds", "Share of one core since the row before", "Resident MB"),
        (
            (f"{now[0]:.0f}", f"{100 * (now[1] - before[1]) / (now[0] - before[0]):.0f} %", f"{now[2]:.0f}")
            for before, now in pairwise(marks)
            if now[0] > before[0]  # a short run has fewer samples than rows
        ),
    )


def main() -> None:
    """Read the argument, run, print."""
    parser = argparse.ArgumentParser(description="The provider's largest level, for minutes.")
    parser.add_argument("minutes", nargs="?", type=float, default=10)
    parser.add_argument("--task-seconds", type=float, default=LATENCY_MEDIAN, help="the median task's")
    given = parser.parse_args()
    minutes, task_seconds = given.minutes, given.task_seconds
    used, judged = run(minutes, task_seconds)
    jobs = round(minutes * SUBMITS_PER_MINUTE)
    print(f"{machine.name()}\n{jobs:,} jobs at 5,000 a minute, tasks of {task_seconds:g} s (median)\n")
    show(minutes, used, judged)
    show_over_time(used.results[0])


if __name__ == "__main__":
    main()
