"""Run many seeds of simulated crashes, faults and clocks; print what happened and what broke."""

import argparse
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from .bench import benches
from .faults import STRONG
from .seed import simulate
from .summary import Log, Summary

CHUNK = 25
PROGRESS_SEEDS = 500
INTERRUPTED = 130
SERVER_SEEDS_MIN = 2
SEEDS_FOR_EACH_ON_A_SERVER = 50

Chunk = tuple[int, ...]


def many(seeds: Iterable[int], database: str = "sqlite", *, theme: str | None = None) -> Summary:
    """Run seeds in this process; a theme can be asked for."""
    summary = Summary()
    for seed in seeds:
        began = time.process_time()
        result = simulate(seed, theme, database=database)
        summary.add(result, time.process_time() - began)
    return summary


def main() -> int:
    """Parse, run, print; 1 when a seed failed."""
    given = _words().parse_args()
    try:
        if given.seed is not None:
            return _one(given.seed, given.theme, "sqlite" if given.database == "both" else given.database)
        if given.database != "both":
            return _all(given, given.database, given.seeds)
        ended = _all(given, "sqlite", given.seeds)
        on_server = max(SERVER_SEEDS_MIN, given.seeds // SEEDS_FOR_EACH_ON_A_SERVER)
        return ended if ended == INTERRUPTED else max(ended, _all(given, "postgres", on_server))
    finally:
        benches.close()


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    words.add_argument("--seeds", type=int, default=1000, help="how many")
    words.add_argument("--first", type=int, default=0, help="the first one")
    words.add_argument("--jobs", type=int, default=2, help="processes")
    words.add_argument(
        "--database",
        choices=("both", "sqlite", "postgres"),
        default="both",
        help="both: SQLite, and a seed on Postgres for each fifty of them",
    )
    words.add_argument("--log", type=Path, help="a file of JSON lines to add to, and to go on from")
    words.add_argument("--theme", choices=sorted(STRONG), help="of every seed, whatever its dice say")
    words.add_argument("--seed", type=int, help="one seed, with its whole timeline")
    words.add_argument("--show", type=int, default=3, help="failing seeds shown in full")
    return words


def _all(given: argparse.Namespace, database: str, seeds: int) -> int:
    began = time.monotonic()
    log = Log(given.log, database, given.theme)
    last = given.first + seeds
    chunks = [tuple(range(start, min(start + CHUNK, last))) for start in range(given.first, last, CHUNK)]
    done = log.done()
    summary = Summary()
    for chunk in chunks:
        if chunk in done:
            summary.merge(done[chunk])
    interrupted = False
    run = partial(many, database=database, theme=given.theme)
    try:
        for chunk, part in _run([c for c in chunks if c not in done], given.jobs, run):
            log.write(chunk, part)
            before = summary.seeds
            summary.merge(part)
            if sys.stderr.isatty() or summary.seeds // PROGRESS_SEEDS > before // PROGRESS_SEEDS:
                _progress(summary, seeds, time.monotonic() - began)
    except KeyboardInterrupt:
        interrupted = True
    print(file=sys.stderr)
    again = f"--database {database}" + (f" --theme {given.theme}" if given.theme else "")
    _print(summary, given.show, again)
    print(f"database {database}\n{summary.text((time.monotonic() - began) / 60)}")
    return INTERRUPTED if interrupted else 1 if summary.failures else 0


def _run(chunks: Sequence[Chunk], jobs: int, run: "partial[Summary]") -> Iterator[tuple[Chunk, Summary]]:
    if jobs == 1:
        yield from ((chunk, run(chunk)) for chunk in chunks)
        return
    shared = benches.shared(run.keywords["database"])
    with multiprocessing.get_context("spawn").Pool(jobs, _begin, shared) as pool:
        yield from pool.imap_unordered(partial(_chunk, run), chunks)


def _begin(folder: Path, server: tuple[str, str] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its pool
    benches.adopt(folder, server)


def _chunk(run: "partial[Summary]", chunk: Chunk) -> tuple[Chunk, Summary]:
    return chunk, run(chunk)


def _progress(summary: Summary, seeds: int, seconds: float) -> None:
    line = f"{summary.seeds} of {seeds} seeds, {len(summary.failures)} failed, {seconds / 60:.1f} minutes"
    print(
        f"\r{line}" if sys.stderr.isatty() else line, end="" if sys.stderr.isatty() else "\n", file=sys.stderr
    )


def _one(seed: int, theme: str | None, database: str) -> int:
    result = simulate(seed, theme, database=database)
    print(result.plan)
    print(result.timeline.text())
    print(f"{result.failure or 'holds'}  digest {result.timeline.digest()}\n{result.detail}")
    return 1 if result.failure else 0


def _print(summary: Summary, show: int, again: str) -> None:
    for failure in summary.failures[:show]:
        if failure.timeline:
            print(f"--- seed {failure.seed}\n{failure.timeline}\n--- seed {failure.seed}: {failure.message}")
    for failure in summary.failures:
        print(f"seed {failure.seed}: {failure.message.splitlines()[0][:300]}")
        print(f"  reproduce: python -m tests.simulation {again} --seed {failure.seed}")
