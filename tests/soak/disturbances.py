"""What befalls a site: kills, freezes, a database that crashes, a network that breaks, and people who use
it meanwhile."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from crashes.processes import Child

from soak.crew import Crew
from soak.meter import Meter
from soak.parameters import APPLY_SECONDS, BULK, HERO, LEASE_SECONDS, PRICE_MICROS, Parameters
from soak.site import Site

BAD_NETWORK_SECONDS = (2.0, 15.0)
AWAY_SECONDS = (8.0, 40.0)
PAUSED_SECONDS = 12.0
AGAIN_SECONDS = 5.0
HERO_CAP_AT, ACCOUNT_CAP_AT, RAISE_AT = 0.70, 0.85, 0.96
"""When caps are set that bind a little later, as shares of the whole time."""


@dataclass
class Recurring:
    """Something that happens again and again."""

    name: str
    seconds: tuple[float, float]
    work: Callable[[], None]
    due: float = 0.0


CLAIMED_MEANWHILE = 400
"""Jobs that workers may claim between the reading of what counts and the cap that is set above it."""


class Disturbances:
    """Does what is due at each `tick`. All chance comes from one seed."""

    def __init__(
        self, parameters: Parameters, site: Site, crew: Crew, meter: Meter, dice: random.Random
    ) -> None:
        self.deeds: Counter[str] = Counter()
        self._parameters, self._site, self._crew = parameters, site, crew
        self._meter, self._dice = meter, dice
        self._began = time.monotonic()
        self._rounds = 0
        self._later: list[tuple[float, Callable[[], None]]] = []
        pace, server = parameters.pace, site.server is not None
        self._recurring = [
            Recurring("apply", (APPLY_SECONDS, APPLY_SECONDS), self._apply, due=-1.0),
            Recurring("kill", (30 * pace, 120 * pace), crew.kill),
            Recurring("freeze", (120 * pace, 300 * pace), self._freeze),
            Recurring("operator", (20 * pace, 60 * pace), self._operate),
            Recurring("provider network", (60 * pace, 180 * pace), self._break_provider),
        ]
        if server:
            self._recurring += [
                Recurring("database crash", (300 * pace, 900 * pace), self._crash_database),
                Recurring("database network", (45 * pace, 150 * pace), self._break_database),
                Recurring("commit without an answer", (20 * pace, 60 * pace), self._lose_commit),
            ]
        for each in self._recurring:
            each.due = each.due or self._next(each)
        self._caps = [
            (HERO_CAP_AT, lambda: self._cap("campaign:hero", HERO, 0.1)),
            (ACCOUNT_CAP_AT, lambda: self._cap("account", BULK * 2, 0.06)),
            (RAISE_AT, lambda: self._cap("account", 50, 1 / max(1.0, parameters.minutes))),
        ]

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def tick(self) -> None:
        """Whatever is due."""
        now = self.elapsed
        for at, work in [entry for entry in self._later if entry[0] <= now]:
            self._later.remove((at, work))
            work()
        for each in self._recurring:
            if each.due <= now:
                each.work()
                self.deeds[each.name] += 1
                each.due = self._next(each)
        if self._caps and self._caps[0][0] * self._parameters.seconds <= now and self._site.database_is_up:
            self._caps.pop(0)[1]()

    def clear_up(self) -> None:
        """Everything is well again, and stays so."""
        due, self._later = self._later, []
        for _, work in due:
            work()
        self._later = []
        self._site.mend()
        self._site.control(faults=[])
        for words, child in list(self._site.commands):
            if words.startswith("apply"):  # it brings the campaign
                child.wait()
        self._run("campaigns", "resume", "bulk").wait()

    def _next(self, each: Recurring) -> float:
        return self.elapsed + self._dice.uniform(*each.seconds)

    def _after(self, seconds: float, work: Callable[[], None]) -> None:
        self._later.append((self.elapsed + seconds, work))

    # --- trouble --------------------------------------------------------------------------------------------

    def _freeze(self) -> None:
        self._crew.freeze(self._dice.uniform(LEASE_SECONDS * 1.3, LEASE_SECONDS * 2.5))

    def _crash_database(self) -> None:
        server = self._site.server
        assert server is not None
        if not server.running:
            return  # away already
        self._meter.bury(server.pid)
        server.stop()
        if self._dice.random() < 0.5:
            server.start()
        else:
            self.deeds["database away for long"] += 1
            self._after(self._dice.uniform(*AWAY_SECONDS), server.start)

    def _break_database(self) -> None:
        proxy = self._dice.choice(self._site.lines).database
        assert proxy is not None
        match self._dice.choice(("cut", "refuse", "freeze")):
            case "cut":
                proxy.cut()
            case "refuse":
                proxy.refuse()
                self._after(self._dice.uniform(*BAD_NETWORK_SECONDS), proxy.mend)
            case _:
                proxy.freeze()
                self._after(self._dice.uniform(*BAD_NETWORK_SECONDS), proxy.mend)

    def _break_provider(self) -> None:
        lines = self._site.lines if self._dice.random() < 0.3 else [self._dice.choice(self._site.lines)]
        how = self._dice.choice(("cut", "refuse", "freeze"))
        seconds = self._dice.uniform(*BAD_NETWORK_SECONDS)
        for line in lines:
            if how == "cut":
                line.provider.cut()
                continue
            if how == "refuse":
                line.provider.refuse()
            else:
                line.provider.freeze(discard=True)
            self._after(seconds, line.provider.mend)

    def _lose_commit(self) -> None:
        proxy = self._dice.choice(self._site.lines).database
        assert proxy is not None
        proxy.lose_answer(b"COMMIT", self._dice.randint(1, 20))

    # --- people ---------------------------------------------------------------------------------------------

    def _run(self, *arguments: str) -> Child:
        child = self._site.command(*arguments)
        self._site.commands.append((" ".join(arguments), child))
        return child

    def _resume(self) -> None:
        """A person who meets a database that is away tries again."""
        resuming = self._run("campaigns", "resume", "bulk")
        self._after(AGAIN_SECONDS, lambda: None if resuming.poll() == 0 else self._resume())

    def _apply(self) -> None:
        self._rounds += 1
        for name in ("hero", "bulk", "small"):
            self._run("apply", f"{name}.yaml", "--run", f"r{self._rounds}")

    def _operate(self) -> None:
        match self._dice.choice(("audit", "status", "retry", "cancel", "pause", "again")):
            case "audit":
                self._run("budget", "audit")
            case "status":
                self._run("status", "--json")
            case "retry":
                self._run("jobs", "retry", "--state", "failed", "--campaign", "bulk")
            case "cancel":
                self._run("jobs", "cancel", "--state", "pending", "--campaign", "small")
            case "pause":
                self._run("campaigns", "pause", "bulk")
                self._after(PAUSED_SECONDS, self._resume)
            case _:
                self._run("apply", "small.yaml", "--run", f"r{self._rounds}")

    def _cap(self, scope: str, jobs_a_minute: int, share: float) -> None:
        """A cap a little above what counts now: it binds after about `share` of the whole time."""
        counted = self._counted(scope)
        jobs = max(CLAIMED_MEANWHILE, int(jobs_a_minute * self._parameters.minutes * share))
        more = jobs * PRICE_MICROS
        self._run("budget", "set", scope, "--total", f"{(counted + more) / 1_000_000:.6f}")
        self.deeds["cap set"] += 1

    def _counted(self, scope: str) -> int:
        kind, _, name = scope.partition(":")
        which = f"scope = '{kind}'" + (
            f" AND scope_id = (SELECT id FROM campaigns WHERE name = '{name}')" if name else ""
        )
        query = (
            "SELECT spent_micros + held_micros + refund_due_micros AS micros FROM balances WHERE period = "
            f"'total' AND {which}"
        )
        with self._site.store.opened() as reader:
            return sum(int(row["micros"]) for row in reader.rows(query))
