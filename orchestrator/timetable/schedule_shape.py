"""What `schedule:` looks like in a manifest."""

import re
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from orchestrator.core.specs import JsonObject
from orchestrator.core.ticks import MAX_AGE_ALL_MS, MAX_AGE_MS, CatchUp, Overlap, ScheduleWords, WhenShort
from orchestrator.timetable.timetable import CronProblem, Timetable, checked
from orchestrator.timetable.zones import ZoneProblem, zone_of
from orchestrator.yamlio.document import Node
from orchestrator.yamlio.durations import Duration
from orchestrator.yamlio.shapes import Choice, Field, Integer, Money, Object, Reading, Text


@dataclass(frozen=True)
class _Cron(Text):
    """A cron expression that fires."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The expression with single spaces."""
        text = super().read(node, reading)
        if text is None:
            return None
        try:
            return checked(text)
        except CronProblem as error:
            reading.wrong(node.path, str(error), error.hint)
            return None


@dataclass(frozen=True)
class _Zone(Text):
    """The name of a time zone."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The name."""
        text = super().read(node, reading)
        if text is None:
            return None
        try:
            zone_of(text)
        except ZoneProblem as error:
            reading.wrong(node.path, str(error), error.hint)
            return None
        return text


@dataclass(frozen=True)
class _Ping(Text):
    """An address that is told; it is not echoed, since who knows it may speak for the schedule."""

    def read(self, node: Node, reading: Reading) -> str | None:
        """The address."""
        text = node.value if isinstance(node.value, str) else ""
        try:
            parts = urlsplit(text)
            known = parts.scheme in {"http", "https"} and bool(parts.hostname) and not parts.fragment
        except ValueError:
            known = False
        if known and not re.search(r"\s", text):
            return text
        problem = reading.document.problem(node.path, "expected an address such as https://hc-ping.com/UUID")
        reading.report.add(replace(problem, source=None))
        return None


_CATCH_UP: Final = Object(
    (
        Field("mode", Choice(tuple(CatchUp)), "latest: the newest; all: at most seven.", default="latest"),
        Field("max_age", Duration("12h"), "How late a tick may begin; 12h, or 7d with all, when absent."),
    ),
    "a mapping with mode and max_age",
)

_WORDS: Final = Object(
    (
        Field("cron", _Cron('a cron expression such as "30 2 * * *"'), "When.", required=True),
        Field("timezone", _Zone("the name of a time zone"), "Where the clock hangs.", default="UTC"),
        Field(
            "overlap",
            Choice(tuple(Overlap)),
            "While an earlier tick is at work: skip this one, or queue it.",
            default="skip",
        ),
        Field("catchup", _CATCH_UP, "Which missed ticks are made.", default={}),
        Field("budget", Money(), "US dollars that the run of each tick may spend."),
        Field("jitter", Duration("10m"), "Begin so much later at most; a tick always by the same."),
        Field(
            "pause_after_failures",
            Integer(1, 1000),
            "Pause the schedule when so many ticks have failed one after another.",
        ),
        Field(
            "when_short",
            Choice(tuple(WhenShort)),
            "When the money does not suffice: make what fits, or skip the tick.",
            default="partial",
        ),
        Field("ping", _Ping(), "An address that hears of each start and end."),
    ),
    "a mapping with cron and timezone",
)


@dataclass(frozen=True)
class _Schedule:
    """The whole block; gives its words."""

    def read(self, node: Node, reading: Reading) -> ScheduleWords | None:
        """The words, or None after a report."""
        said: dict[str, Any] = _WORDS.read(node, reading)
        if said["cron"] is None or said["timezone"] is None:
            return None
        catch_up = CatchUp(said["catchup"].get("mode") or CatchUp.LATEST)
        otherwise = MAX_AGE_ALL_MS if catch_up is CatchUp.ALL else MAX_AGE_MS
        return ScheduleWords(
            cron=said["cron"],
            timezone=said["timezone"],
            overlap=Overlap(said["overlap"]),
            catch_up=catch_up,
            max_age_ms=said["catchup"].get("max_age") or otherwise,
            budget_micros=said["budget"],
            jitter_ms=said["jitter"] or 0,
            pause_after_failures=said["pause_after_failures"],
            when_short=WhenShort(said["when_short"]),
            ping=said["ping"],
        )

    def schema(self) -> JsonObject:
        """An object."""
        return _WORDS.schema()


SCHEDULE: Final = Field(
    "schedule",
    _Schedule(),
    "When it is made by itself, tick by tick: `schedule add` lets it count (docs/schedules.md).",
)


def own_run_problem(words: ScheduleWords, run: str) -> tuple[str, str] | None:
    """Why a budget of each tick cannot be held by runs with this key, and what to write; None when it can."""
    if words.budget_micros is None or "tick" in run:
        return None
    if "date" not in run:
        return "a budget for each tick needs a run for each tick", 'write run: "{{ date }}"'
    if Timetable(words.cron, words.timezone).often:
        return "several ticks of one day share a run, and so its budget", 'write run: "{{ tick }}"'
    return None


def run_budget(budget: int | None, words: ScheduleWords | None) -> int | None:
    """What a run may spend, in micros: the run of a tick is held to the budget of the tick too."""
    said = [budget, words.budget_micros if words else None]
    return min((micros for micros in said if micros is not None), default=None)
