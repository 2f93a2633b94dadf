"""Several workers on one Postgres, each in trouble of its own, then one in peace, then the judge."""

import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from support.postgres import OwnPostgres
from support.proxy import Proxy

from crashes.cycle import At, CycleReport, finish
from crashes.judge import judge_moment
from crashes.processes import Child, Processes
from crashes.reader import PostgresStore
from crashes.stage import LEASE_SECONDS, Scenario, Stage, staged
from crashes.verdict import Judgement

SIGKILLED = -signal.SIGKILL
LOOK_SECONDS = 0.01
FROZEN_SECONDS = LEASE_SECONDS * 1.4
AWAY_SECONDS = 1.5


@dataclass(frozen=True)
class Upset:
    """What befalls worker number `who` (or the database) so many seconds after the start."""

    what: str
    after: float
    who: int = 0

    def __str__(self) -> str:
        return f"{self.what} {self.who} after {self.after:.2f} s"


@dataclass(frozen=True)
class Crowd:
    """Workers that begin together: how many, where each is killed (if it is), how wrong each one's clock
    is."""

    scenario: Scenario
    workers: int
    kills: tuple[At | None, ...] = ()
    clocks: tuple[int, ...] = ()  # seconds ahead
    upsets: tuple[Upset, ...] = ()
    lost_commits: tuple[int, ...] = ()  # which commit of each worker is not answered; 0: none

    def __str__(self) -> str:
        told = [f"{self.workers} x {self.scenario.name}"]
        told += [f"{number} killed at {kill}" for number, kill in enumerate(self.kills) if kill]
        told += [f"{number} {clock:+} s" for number, clock in enumerate(self.clocks) if clock]
        told += [
            f"{number} hears no answer to commit {nth}" for number, nth in enumerate(self.lost_commits) if nth
        ]
        return ", ".join([*told, *map(str, self.upsets)])


@contextmanager
def fresh_database(server: OwnPostgres, name: str) -> Iterator[PostgresStore]:
    """An empty database, dropped at the end."""
    server.execute(f"CREATE DATABASE {name}")
    try:
        yield PostgresStore(server.conninfo(name), server.url(name))
    finally:
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def run_crowd(
    processes: Processes,
    server: OwnPostgres,
    store: PostgresStore,
    folder: Path,
    crowd: Crowd,
    *,
    seed: int = 1,
) -> CycleReport:
    """Start them, upset them, wait for them, let one finish in peace, judge."""
    began = time.monotonic()
    report = CycleReport(Judgement())
    with ExitStack() as stack:
        stage = stack.enter_context(
            staged(processes=processes, folder=folder, scenario=crowd.scenario, seed=seed, database=store)
        )
        proxies = [stack.enter_context(Proxy(server.socket)) for _ in range(crowd.workers)]
        stage.make_tables()
        _Troop(stage=stage, server=server, proxies=proxies, crowd=crowd).run(report)
        report.verdict += judge_moment(
            store=stage.database, outputs=stage.outputs, bill=stage.bill(), scenario=crowd.scenario
        )
        finish(report, stage)
        report.log = stage.log()
        report.verdict.blame("Traceback" not in report.log, "a command ended with a traceback")
    report.seconds = time.monotonic() - began
    return report


@dataclass
class _Troop:
    """The workers of a crowd, while they run."""

    stage: Stage
    server: OwnPostgres
    proxies: list[Proxy]
    crowd: Crowd
    children: list[Child] = field(default_factory=list)
    _due: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def run(self, report: CycleReport) -> None:
        began = time.monotonic()
        for number, proxy in enumerate(self.proxies):
            if nth := _nth(self.crowd.lost_commits, number):
                proxy.lose_answer(b"COMMIT", nth)
            self.children.append(self._start(number, proxy))
        self._due = [(upset.after, self._deed(upset)) for upset in self.crowd.upsets]
        while self._due or any(child.poll() is None for child in self.children):
            passed = time.monotonic() - began
            for entry in [entry for entry in self._due if entry[0] <= passed]:
                self._due.remove(entry)
                entry[1]()
            assert passed < 120, "the crowd does not end"
            time.sleep(LOOK_SECONDS)
        for child, kill in zip(self.children, self._kills(), strict=True):
            if child.code == SIGKILLED:
                report.killed += 1
            elif kill is not None:
                report.missed.append(str(kill))

    def _start(self, number: int, proxy: Proxy) -> Child:
        name = psycopg.conninfo.conninfo_to_dict(self.stage.database.conninfo)["dbname"]
        kill, ahead = _nth(self.crowd.kills, number), _nth(self.crowd.clocks, number)
        return self.stage.worker(
            crash_at=str(kill or ""),
            ORCHESTRATOR_DATABASE_URL=f"postgresql+psycopg://postgres@127.0.0.1:{proxy.port}/{name}",
            **({"CLOCK_AHEAD_SECONDS": str(ahead)} if ahead else {}),
        )

    def _kills(self) -> list[At | None]:
        return [_nth(self.crowd.kills, number) for number in range(len(self.children))]

    def _deed(self, upset: Upset) -> Callable[[], None]:
        child, proxy = self.children[upset.who], self.proxies[upset.who]
        deeds: dict[str, Callable[[], None]] = {
            "kill": lambda: self._signal(child, signal.SIGKILL),
            "freeze": lambda: self._freeze(upset, child),
            "cut": lambda: _ignore(proxy.cut()),
            "partition": lambda: self._for_a_while(
                upset=upset, begin=proxy.freeze, end=proxy.mend, seconds=FROZEN_SECONDS
            ),
            "crash of the database": self.server.restart,
            "database away": lambda: self._for_a_while(
                upset=upset, begin=self.server.stop, end=self.server.start, seconds=AWAY_SECONDS
            ),
        }
        return deeds[upset.what]

    def _freeze(self, upset: Upset, child: Child) -> None:
        self._for_a_while(
            upset=upset,
            begin=lambda: self._signal(child, signal.SIGSTOP),
            end=lambda: self._signal(child, signal.SIGCONT),
            seconds=FROZEN_SECONDS,
        )

    def _for_a_while(
        self, upset: Upset, begin: Callable[[], None], end: Callable[[], None], seconds: float
    ) -> None:
        begin()
        self._due.append((upset.after + seconds, end))

    @staticmethod
    def _signal(child: Child, number: int) -> None:
        if child.poll() is None:
            os.kill(child.pid, number)


def _nth(values: tuple, number: int):
    return values[number] if number < len(values) else None


def _ignore(_: object) -> None:
    """A deed answers nothing."""


# --- chance -------------------------------------------------------------------------------------------------

WHATS = ("kill", "freeze", "cut", "partition", "crash of the database", "database away")


def drawn_crowd(dice: random.Random, scenarios: tuple[Scenario, ...], points: tuple[str, ...]) -> Crowd:
    """Two to four workers; each may be killed at a point, have a wrong clock, hear no answer to a commit;
    and upsets."""
    count = dice.choice((2, 3, 3, 4))
    return Crowd(
        scenario=dice.choice(scenarios),
        workers=count,
        kills=tuple(
            At(dice.choice(points), dice.randint(1, 8)) if dice.random() < 0.4 else None for _ in range(count)
        ),
        clocks=tuple(dice.choice((0, 0, 7, -7, 3600, -86_400)) for _ in range(count)),
        upsets=tuple(
            Upset(dice.choice(WHATS), dice.uniform(0.05, 3.0), dice.randrange(count))
            for _ in range(dice.choice((1, 1, 2, 3)))
        ),
        lost_commits=tuple(dice.randint(1, 60) if dice.random() < 0.3 else 0 for _ in range(count)),
    )
