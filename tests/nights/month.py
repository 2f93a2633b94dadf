"""One month, drawn from a seed and lived through; what it was like is kept for the judge."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.actions.operator import scheduling
from orchestrator.core.errors import NotFoundError
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.account.acts import Signature
from orchestrator.store.db.database import Database
from orchestrator.store.schedules import firing, schedules
from orchestrator.worker.upkeep import nights as upkeep
from tests.support.times import FakeClock, FakeEntropy
from tests.support.world import World

from .almanac import Span
from .judge import NightJudge
from .workers import NightWorker

STARTS = ("2026-03-06T12:00", "2026-03-27T12:00", "2026-10-02T12:00", "2026-10-23T12:00")
"""Before a change of the clock in New York, Vienna or on Lord Howe, or before two of them."""

SIGNED = Signature("ada", "here", "a month")
CAP = 2_400_000
DAY_MS = 86_400_000
QUIET_DAYS = 1
STEP_MS = 7_200_000

NAMES = {
    "vienna": ("Europe/Vienna", ((2, 30),), "{{ date }}", "regenerate: changed\nmax_changed: 60%\n", ""),
    "york": ("America/New_York", ((1, 30), (13, 30)), "{{ tick }}", "", ", overlap: queue"),
    "howe": ("Australia/Lord_Howe", ((2, 15),), "{{ date }}", "", ", catchup: {mode: all, max_age: 3d}"),
}
MANIFEST = """\
version: 1
name: %(name)s
campaign: fresh
run: "%(run)s"
model: kwaivgi/kling-image-o3/edit
matrix: {product: {csv: rows.csv}}
params: {prompt: "%(name)s {{ product.title }}%(word)s", images: ["https://in.example/a.png"]}
output: "%(name)s/{{ run }}/{{ product.sku }}-{{ index }}.{{ ext }}"
%(more)sschedule: {cron: "%(cron)s", timezone: %(zone)s, budget: 0.06%(words)s}
"""


class Month:
    """A folder, a database, two hosts, three schedules."""

    def __init__(self, seed: int, url: str, folder: Path, *, days: int) -> None:
        self.dice = random.Random(seed)
        start = datetime.fromisoformat(self.dice.choice(STARTS)).replace(tzinfo=UTC)
        self.clock = FakeClock(int(start.timestamp() * 1000))
        self.end = self.clock.now_ms() + days * DAY_MS
        self.folder = folder
        self.database = Database.open(url, self.clock, clock_from_server=False)
        self.world = World(self.database, self.clock, FakeEntropy(seed))
        self.cap = CAP
        self.world.cap(CAP)
        settings = load_settings(None, {}, folder)
        self.workers = [
            NightWorker(number, url, self.clock, settings=settings, dice=self.dice) for number in (1, 2)
        ]
        self.spans: dict[str, list[Span]] = {}
        self.titles = ["A", "B", "C"]
        self.flooded_at: int | None = None
        self.gone: dict[str, int] = {}  # removed schedules, and when each is added again
        self.judge = NightJudge(self)
        self._flights: list[tuple[int, object]] = []  # attempts, and when their tasks end

    def live(self) -> None:
        """The whole of it; raises NightViolationError."""
        self._table()
        for name, (zone, times, *_rest) in NAMES.items():
            self._add(name, Span(times, zone, self.clock.now_ms()))
        with _inline(), asyncio.Runner() as runner:
            loop = runner.get_loop()
            while self.clock.now_ms() < self.end + QUIET_DAYS * DAY_MS:
                is_quiet = self.clock.now_ms() >= self.end
                if is_quiet:
                    self._all_are_back()
                self._pass()
                if not is_quiet:
                    self._come_back()
                    self._happen()
                self._look(loop, is_quiet=is_quiet)
            for _ in range(4):  # what has just begun comes to its end
                self.clock.advance_ms(1_000)
                self._look(loop, is_quiet=True)
        for name, spans in self.spans.items():
            if name not in self.gone:
                spans[-1].end = self.clock.now_ms()
        self.judge.end()

    def _all_are_back(self) -> None:
        """No host is away when a month ends: what nobody has looked at yet would be taken for lost."""
        for worker in self.workers:
            worker.up_at = min(worker.up_at, self.end)

    def _look(self, loop: asyncio.AbstractEventLoop, *, is_quiet: bool) -> None:
        looked = [each for each in self.workers if each.look(loop, mortal=not is_quiet)]
        self._work(is_quiet=is_quiet)
        self.judge.look(attended=bool(looked))

    def close(self) -> None:
        """Close every connection."""
        for worker in self.workers:
            worker.close()
        self.database.close()

    # --- what happens ---------------------------------------------------------------------------------------

    def _pass(self) -> None:
        with self.database.read() as tx:
            upcoming = firing.next_look(tx)
        now = self.clock.now_ms()
        until = now + STEP_MS
        if upcoming is not None and upcoming > now:
            until = min(until, upcoming)
        self.clock.advance_ms(max(1_000, until - now) + self.dice.randrange(20_000))

    def _happen(self) -> None:
        match self.dice.randrange(130):
            case 0 | 1:
                self.dice.choice(self.workers).up_at = self.clock.now_ms() + self.dice.randrange(DAY_MS)
            case 2:
                for worker in self.workers:
                    worker.up_at = self.clock.now_ms() + self.dice.randrange(3 * DAY_MS)
            case 3 | 4:
                self._edit(self.dice.choice(list(NAMES)))
            case 5 | 6 | 7:
                self.titles[self.dice.randrange(3)] += "."
                self._table()
            case 8 if self.flooded_at is None and self.judge.has_run("vienna"):
                self.titles = [f"{title}!" for title in self.titles]
                self.flooded_at = self.clock.now_ms()
                self._table()
            case 9 | 10 | 11:
                self._approve()
            case 12:
                self._pause(self.dice.choice(list(NAMES)))
            case 13 | 14 | 15:
                self._remove(self.dice.choice(list(NAMES)))

    def _add(self, name: str, span: Span) -> None:
        _zone, _times, run, more, words = NAMES[name]
        said = {"name": name, "run": run, "more": more, "words": words, "cron": span.cron, "zone": span.zone}
        word = "" if "regenerate" in more else " {{ tick }}"
        path = self.folder / f"{name}.yaml"
        path.write_text(MANIFEST % (said | {"word": word}))
        manifest = load_manifest(path, today="2026-01-01")
        with self.database.write() as tx:
            scheduling.add_schedule(
                tx, f"fresh/{name}", manifest.schedule, manifest_path=str(path), signed=SIGNED
            )
        self._since(name, span)

    def _since(self, name: str, span: Span) -> None:
        earlier = self.spans.setdefault(name, [])
        if earlier and not earlier[-1].end:
            earlier[-1].end = span.begin
        earlier.append(span)

    def _edit(self, name: str) -> None:
        """Another time of the day, or another zone; what is past and was not looked at is not made up for."""
        if name in self.gone:
            return
        old = self.spans[name][-1]
        hour, minute = old.times[0]
        times = (((hour + 1) % 6, minute), *old.times[1:])
        zone = self.dice.choice([old.zone, "Europe/Vienna"])
        self._add(name, Span(tuple(sorted(set(times))), zone, self.clock.now_ms()))

    def _pause(self, name: str) -> None:
        with self.database.write() as tx:
            try:
                schedule = schedules.find(tx, f"fresh/{name}")
            except NotFoundError:
                return
            last = self.spans[name][-1]
            last.end = tx.now
            scheduling.pause_schedule(tx, schedule, SIGNED)
        self.clock.advance_ms(self.dice.randrange(DAY_MS))
        with self.database.write() as tx:
            scheduling.resume_schedule(tx, schedule, SIGNED)
        self._since(name, Span(last.times, last.zone, self.clock.now_ms()))

    def _remove(self, name: str) -> None:
        """For up to two days; what has not begun is not made."""
        if name in self.gone:
            return
        with self.database.write() as tx:
            schedule = schedules.find(tx, f"fresh/{name}")
            firing.fire_one(tx, schedule)
            self.judge.removed(tx, schedule.id)
            scheduling.remove_schedule(tx, schedule, SIGNED)
            self.spans[name][-1].end = tx.now
        self.gone[name] = self.clock.now_ms() + self.dice.randrange(2 * DAY_MS)

    def _come_back(self) -> None:
        """At the same times, or others."""
        for name in [name for name, at in self.gone.items() if at <= self.clock.now_ms()]:
            del self.gone[name]
            old = self.spans[name][-1]
            others = tuple((hour, (minute + 7) % 60) for hour, minute in old.times)
            self._add(name, Span(self.dice.choice([old.times, others]), old.zone, self.clock.now_ms()))

    def _approve(self) -> None:
        if "vienna" in self.gone:
            return
        with self.database.write() as tx:
            schedule = schedules.find(tx, "fresh/vienna")
            decide = scheduling.approve_ticks if self.dice.random() < 0.8 else scheduling.refuse_ticks
            decide(tx, schedule, SIGNED)

    def _table(self) -> None:
        lines = [f"SKU-{number},{title}\n" for number, title in enumerate(self.titles)]
        (self.folder / "rows.csv").write_text("sku,title\n" + "".join(lines))

    def _work(self, *, is_quiet: bool) -> None:
        """Buy what waits under the caps; tasks take a while, and some fail."""
        now = self.clock.now_ms()
        for held in self.world.claim():
            self.world.send(held)
            self.world.accept(held)
            self.judge.bought(held)
            self._flights.append((now + self.dice.choice([0, 0, 30, 400]) * 60_000, held))
        for ends_at, held in [each for each in self._flights if each[0] <= now or is_quiet]:
            self._flights.remove((ends_at, held))
            self.world.complete(held)
            self.world.finish(held)


@contextmanager
def _inline() -> Iterator[None]:
    """A thread would be slower than any virtual deadline."""

    async def at_once(work, *words):
        return work(*words)

    kept, upkeep.in_thread = upkeep.in_thread, at_once
    try:
        yield
    finally:
        upkeep.in_thread = kept
