"""One moment of running work, and how it reads: six lines on a terminal, or one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Any

from orchestrator.cli.rendering.stop_text import line, mark
from orchestrator.cli.rendering.words import count, duration, list_words, percent, safe, usd
from orchestrator.store.money.caps import Cap, cap_name
from orchestrator.store.stops.stops import Stoppage
from orchestrator.store.views.runs.progress import Progress

NARROW_COLUMNS = 60
BAR_COLUMNS = 24
BAR_COLUMNS_MIN = 6
LABEL_COLUMNS = 9  # of what stands before a line, and a column left free at its end
ETA_RESULTS_MIN = 10
ETA_SECONDS_MIN = 60.0
REASONS_SHOWN = 3
STOPS_SHOWN = 2
KEYS = "keys    Ctrl-C: submit nothing more, collect what is in flight; twice: leave"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is shown at one moment. `made_before` had ended when the work began; `beyond` wait for money that
    no cap has left.
    """

    label: str
    progress: Progress
    elapsed_seconds: float
    made_before: int = 0
    beyond: int = 0
    worker: Mapping[str, Any] = field(default_factory=dict)
    cap: Cap | None = None  # the tightest cap about these runs
    stops: tuple[Stoppage, ...] = ()
    doubts: str = ""  # what is in doubt, and what becomes of it

    @property
    def in_flight(self) -> int:
        """Tasks that the provider works on, as far as this process knows."""
        return _number(self.worker.get("in_flight"))

    @property
    def reachable(self) -> int:
        """Jobs that are made or can be made under the caps; called-off ones are none of them."""
        return self.progress.wanted - self.beyond

    @property
    def per_second(self) -> float:
        """Jobs finished a second since the work began."""
        done = self.progress.made - self.made_before
        return done / self.elapsed_seconds if self.elapsed_seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Time left for what can be reached, once there is enough to judge by; None while something is
        stopped or a lost reply is looked for, because nobody knows then.
        """
        done = self.progress.made - self.made_before
        if self.progress.in_doubt or any(mark(stop) == "stopped" for stop in self.stops):
            return None
        if done <= 0 or (done < ETA_RESULTS_MIN and self.elapsed_seconds < ETA_SECONDS_MIN):
            return None
        return (self.progress.left - self.beyond) / self.per_second


def lines(snapshot: Snapshot, columns: int) -> list[str]:
    """The live display for a terminal of that width: one line below sixty columns."""
    if columns < NARROW_COLUMNS:
        return [_cut(plain(snapshot), columns)]
    progress = snapshot.progress
    found = [
        _headline(snapshot, columns),
        f"money   {_money(snapshot, columns - LABEL_COLUMNS)}",
        f"now     {_now(snapshot)}",
        f"result  {_result(progress)}",
    ]
    if snapshot.doubts:
        found.append(f"lost    {snapshot.doubts}")
    for stop in snapshot.stops[:STOPS_SHOWN]:
        found += wrap(f"{mark(stop)} {line(stop)}", columns - 1, max_lines=2, placeholder=" ...")
    found.append(KEYS)
    return [_cut(text, columns) for text in found]


def _headline(snapshot: Snapshot, columns: int) -> str:
    """Name, bar, counts and times; the bar takes the columns that are left."""
    times = f"{duration(snapshot.elapsed_seconds)} elapsed"
    if snapshot.eta_seconds is not None:
        times += f", about {duration(snapshot.eta_seconds)} left"
    label = safe(snapshot.label, 24)
    rest = f"{_counts(snapshot)}   {times}"
    room = columns - len(label) - len(rest) - 7
    bar = f"[{_bar(snapshot, min(BAR_COLUMNS, room))}]  " if room >= BAR_COLUMNS_MIN else ""
    return f"{label}  {bar}{rest}"


def _counts(snapshot: Snapshot) -> str:
    made, whole = snapshot.progress.made, snapshot.reachable
    return f"{made:,}/{whole:,}  {percent(made, whole)}"


def plain(snapshot: Snapshot) -> str:
    """Everything in one line, for a log."""
    progress = snapshot.progress
    parts = [
        _counts(snapshot).replace("  ", " "),
        _money(snapshot),
        f"{snapshot.in_flight:,} in flight",
    ]
    if progress.jobs["failed"]:
        parts.append(_failures(progress))
    if progress.in_doubt:
        parts.append(snapshot.doubts or f"{progress.in_doubt:,} in doubt")
    if snapshot.beyond:
        parts.append(f"{snapshot.beyond:,} beyond the cap")
    if snapshot.eta_seconds is not None and progress.left:
        parts.append(f"about {duration(snapshot.eta_seconds)} left")
    parts += [_stop(stop) for stop in snapshot.stops[:1]]
    return ", ".join(parts)


def _stop(stop: Stoppage) -> str:
    """In a log's line: a stop has its own messages elsewhere, what needs attention has not."""
    if mark(stop) == "attention":
        return f"attention: {line(stop)}"
    return f"stopped: {safe(stop.subject)} {stop.reason}"


def _money(snapshot: Snapshot, columns: int | None = None) -> str:
    """What is spent and left; how that stands to the list price is left out where it does not fit."""
    progress = snapshot.progress
    text = f"{usd(progress.spent_micros)} spent, {usd(progress.held_micros)} held"
    if snapshot.cap is not None:
        cap = snapshot.cap
        left = (
            f"over by {usd(cap.over_micros)}:" if cap.over_micros else f"{usd(cap.remaining_micros)} left of"
        )
        text += f", {left} {usd(cap.cap_micros)} ({cap_name(cap.scope, safe(cap.name), cap.window)})"
    more = list_words(progress.of_list)
    return text if columns is not None and len(text) + len(more) > columns else text + more


def _now(snapshot: Snapshot) -> str:
    progress = snapshot.progress
    parts = [f"{snapshot.in_flight:,} in flight", f"{progress.fetching:,} downloading"]
    parts.append(f"{progress.jobs['pending'] - snapshot.beyond:,} waiting")
    if snapshot.beyond:
        parts.append(f"{snapshot.beyond:,} beyond the cap")
    if snapshot.per_second:
        rate = snapshot.per_second
        parts.append(f"{rate:.1f} jobs/s" if rate >= 1 else f"{rate * 60:.1f} jobs/min")
    return ", ".join(parts)


def _result(progress: Progress) -> str:
    parts = [f"{progress.jobs['succeeded']:,} done"]
    if progress.nsfw:
        parts.append(f"{count(progress.nsfw, 'picture')} flagged")
    if progress.jobs["failed"]:
        parts.append(_failures(progress))
    if progress.jobs["reused"]:
        parts.append(f"{progress.jobs['reused']:,} reused")
    if progress.jobs["cancelled"]:
        parts.append(f"{progress.jobs['cancelled']:,} cancelled")
    if progress.in_doubt:
        parts.append(f"{progress.in_doubt:,} in doubt")
    return ", ".join(parts)


def _failures(progress: Progress) -> str:
    reasons = ", ".join(f"{jobs:,} {safe(reason)}" for reason, jobs in progress.failures[:REASONS_SHOWN])
    more = ", ..." if len(progress.failures) > REASONS_SHOWN else ""
    return (
        f"{progress.jobs['failed']:,} failed ({reasons}{more})"
        if reasons
        else f"{progress.jobs['failed']:,} failed"
    )


def _bar(snapshot: Snapshot, columns: int) -> str:
    """Done, in flight, waiting: three signs, so that no colour is needed."""
    progress = snapshot.progress
    whole = max(1, snapshot.reachable)
    done = min(columns, progress.made * columns // whole)
    moving = min(columns - done, -(-progress.jobs["running"] * columns // whole))
    return "#" * done + "=" * moving + "." * (columns - done - moving)


def _cut(text: str, columns: int) -> str:
    return text if len(text) < columns else text[: max(0, columns - 4)] + "..."


def _number(value: object) -> int:
    """A count that the worker gives as a number or as a collection."""
    if isinstance(value, bool) or value is None:
        return 0
    if isinstance(value, int):
        return value
    return len(value) if hasattr(value, "__len__") else 0
