"""Contestants in processes of their own: what each run takes in time, processor and memory."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
Contestant = Callable[..., Any]
"""Called with `ready` and its arguments: it sets up, calls `ready()` (which returns when all may start),
and works."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one or more processes took between their start signal and their end."""

    wall_seconds: float  # until the last one ended
    cpu_seconds: float  # user and system, all threads, all processes and those that they started
    memory_mb: float  # the largest resident set of any one of them
    results: tuple[Any, ...]  # what each returned


def run(contestant: Contestant, *arguments: Any, processes: int = 1) -> Used:
    """Start `contestant(ready, *arguments)` in fresh processes, let go of all at once, and wait for all.

    Raises RuntimeError when one of them fails.
    """
    context = multiprocessing.get_context("spawn")
    pipes, started = [], []
    for _ in range(processes):
        ours, theirs = context.Pipe()
        process = context.Process(target=_main, args=(theirs, contestant, arguments))
        process.start()
        theirs.close()
        pipes.append(ours)
        started.append(process)
    try:
        _receive(pipes)
        began = time.perf_counter()
        for pipe in pipes:
            pipe.send("go")
        answers = _receive(pipes)
        return Used(
            wall_seconds=time.perf_counter() - began,
            cpu_seconds=sum(cpu for cpu, _memory, _result in answers),
            memory_mb=max(memory for _cpu, memory, _result in answers),
            results=tuple(result for _cpu, _memory, result in answers),
        )
    finally:
        for process in started:
            process.join(timeout=30)
            process.kill()


def cpu_seconds(pid: int) -> float:
    """Processor time, user and system, of a process and of its children, also of those that have ended."""
    own = sum(int(field) for field in _stat(pid)[11:15])
    return own / TICKS_PER_SECOND + sum(cpu_seconds(child) for child in _children(pid))


def resident_mb(pid: int | str = "self", *, peak: bool = False) -> float:
    """The resident memory of a process, now or at its highest. (`ru_maxrss` would count the parent's
    before exec.)"""
    name = "VmHWM:" if peak else "VmRSS:"
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def _main(pipe: Any, contestant: Contestant, arguments: Sequence[Any]) -> None:
    used = 0.0

    def ready() -> None:
        nonlocal used
        pipe.send("ready")
        pipe.recv()
        used = _own_cpu_seconds()

    result = contestant(ready, *arguments)
    pipe.send((_own_cpu_seconds() - used, resident_mb(peak=True), result))


def _own_cpu_seconds() -> float:
    """Of this process, and of those that it has started and that have ended."""
    used = [resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _receive(pipes: Sequence[Any]) -> list[Any]:
    try:
        return [pipe.recv() for pipe in pipes]
    except EOFError:
        raise RuntimeError("a contestant has failed; its traceback is above") from None


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold spaces; nothing for a process that has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
