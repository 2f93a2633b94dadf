"""One soak from beginning to verdict."""

import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crashes.at_rest import judge_rest
from crashes.verdict import Judgement

from soak import inspector
from soak.crew import Crew
from soak.disturbances import Disturbances
from soak.meter import Meter
from soak.outcome import Outcome
from soak.parameters import Parameters
from soak.planted_bugs import PLANTED_BUGS
from soak.site import Site, site

LOOK_SECONDS = 0.25
SAMPLE_SECONDS = 60.0
DRAIN_SECONDS_MAX = 900.0
PLANT_AT = 0.5
COMMANDS_FAIL_WITH = {0, 1, 5}
"""A command may find its database away (1), or things in doubt (5); it may not be used wrongly or break."""

Say = Callable[[str], None]


class Soak:
    """Runs, looks every minute, ends cleanly, and judges."""

    def __init__(self, parameters: Parameters, place: Site, say: Say) -> None:
        self._parameters, self._site, self._say = parameters, place, say
        dice = random.Random(parameters.seed)
        self._meter = Meter()
        self._crew = Crew(place, dice)
        self._disturbances = Disturbances(
            parameters=parameters, site=place, crew=self._crew, meter=self._meter, dice=dice
        )
        self._claims = inspector.ClaimTimes(place.folder / "claims.txt")
        self.outcome = Outcome(Judgement())

    def run(self) -> Outcome:
        """All of it."""
        self._disturb()
        self._disturbances.clear_up()
        self._say("faults and troubles have ended; the workers are dismissed and what is left is drained")
        self._crew.dismiss()
        self._finish()
        self._judge()
        return self.outcome

    def _disturb(self) -> None:
        next_sample, planted = SAMPLE_SECONDS, not self._parameters.plant
        while self._disturbances.elapsed < self._parameters.seconds:
            self._crew.tend()
            self._disturbances.tick()
            self._hear()
            if not planted and self._disturbances.elapsed > self._parameters.seconds * PLANT_AT:
                PLANTED_BUGS[self._parameters.plant](self._site)
                planted = True
            if self._disturbances.elapsed >= next_sample and self._site.database_is_up:
                self._sample()
                next_sample = self._disturbances.elapsed + SAMPLE_SECONDS
            time.sleep(LOOK_SECONDS)

    def _sample(self) -> None:
        verdict = Judgement()
        before = self._site.bill()
        with self._site.store.opened() as reader:
            after = self._site.bill()
            inspector.judge_running(verdict=verdict, reader=reader, before=before, after=after)
            now = inspector.counts(reader)
            sizes = inspector.database_sizes(reader)
        sample = {
            "seconds": round(self._disturbances.elapsed),
            "counts": now,
            "tasks": len(after["tasks"]),
            "posts_per_minute_max": after["max_posts_per_minute"],
            "at_once_max": after["max_concurrency"],
            "workers": inspector.usage(self._crew.pids),
            "claim_p95_ms": self._claims.fresh_p95_ms(),
            "cores": round(self._meter.cores(self._roots()), 2),
            **{name: round(size, 1) for name, size in sizes.items()},
            "problems": verdict.problems,
        }
        self.outcome.samples.append(sample)
        self.outcome.note(verdict)
        with (self._site.folder / "samples.jsonl").open("a") as file:
            file.write(json.dumps(sample) + "\n")
        self._say(_line(sample))

    def _roots(self) -> list[int]:
        server = self._site.server
        pids = [self._site.processes.pid, os.getpid()]
        return [*pids, server.pid] if server is not None and server.running else pids

    def _hear(self) -> None:
        """What the commands of operators came to."""
        for entry in list(self._site.commands):
            words, child = entry
            code = child.poll()
            if code is not None:
                self._site.commands.remove(entry)
                name = " ".join(words.split()[:2])
                self.outcome.deeds[f"command {name} -> {code}"] += 1
                self.outcome.verdict.blame(
                    code in COMMANDS_FAIL_WITH
                    and not (code == 1 and "audit" in words and self._books_differ()),
                    f"`{words}` ended with {code}",
                )

    def _books_differ(self) -> bool:
        return "the ledger says" in (self._site.folder / "commands.log").read_text(errors="replace")

    # --- the end --------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        began = time.monotonic()
        while self._site.commands:
            self._hear()
            time.sleep(LOOK_SECONDS)
        codes = self._drain()
        for _ in range(3):
            if 5 not in codes or not self._resolve_doubts():
                break
            codes = self._drain()
        self.outcome.verdict.blame(
            not self._crew.stuck, f"{self._crew.stuck} workers did not leave when asked"
        )
        self.outcome.figures["seconds_to_finish"] = round(time.monotonic() - began)
        self.outcome.figures["drained_with"] = codes
        self.outcome.verdict.blame(set(codes) <= {0, 3, 4}, f"the last workers left with {codes}")
        audit = self._site.command("budget", "audit").wait()
        self.outcome.verdict.blame(audit == 0, f"the last audit of the books ended with {audit}")

    def _drain(self) -> list[int]:
        children = [
            self._site.start(f"worker-{number}.log", "work", "--drain", line=line)
            for number, line in enumerate(self._site.lines)
        ]
        return [child.wait(DRAIN_SECONDS_MAX) for child in children]

    def _resolve_doubts(self) -> int:
        """An operator decides what evidence could not, by what the provider really did; returns how many."""
        bill = self._site.bill()
        with self._site.store.opened() as reader:
            known = {row["prediction_id"] for row in reader.rows("SELECT prediction_id FROM attempts")}
            doubts = reader.rows(
                "SELECT attempts.id, params ->> 'prompt' AS prompt FROM attempts JOIN job_specs USING "
                "(job_id) WHERE state = 'in_doubt' ORDER BY attempts.id"
            )
        unknown = [task for task in bill["tasks"] if task["id"] not in known]
        for doubt in doubts:
            mine = next((task for task in unknown if task["inputs"]["prompt"] == doubt["prompt"]), None)
            if mine is None:
                how = ["--absent"]
            else:
                unknown.remove(mine)
                how = ["--adopt", mine["id"]]
            code = self._site.command("in-doubt", "resolve", str(doubt["id"]), *how).wait()
            self.outcome.deeds[f"doubt resolved by an operator ({how[0]}) -> {code}"] += 1
        return len(doubts)

    def _judge(self) -> None:
        bill = self._site.bill()
        running, verdict = Judgement(), Judgement()
        with self._site.store.opened() as reader:
            inspector.judge_running(verdict=running, reader=reader, before=bill, after=bill)
            self.outcome.note(running)
            judge_rest(verdict=verdict, reader=reader, outputs=self._site.outputs, bill=bill)
            left = inspector.counts(reader)
            capped = 4 in self.outcome.figures["drained_with"]
        waiting = left.get("pending", 0)
        verdict.blame(not waiting or capped, f"{waiting} jobs wait, and no cap is why")
        verdict.blame(not left.get("running", 0), f"{left.get('running')} jobs still run")
        for path in self._site.folder.glob(
            "[cw]*.log"
        ):  # of commands and workers, not of the provider's stand-in
            broken = path.read_text(errors="replace").count("Traceback")
            verdict.blame(not broken, f"{broken} tracebacks in {path.name}")
        self.outcome.note(verdict)
        self.outcome.deeds += self._disturbances.deeds + self._crew.deeds
        self.outcome.faults = dict(bill["faults"])
        self.outcome.figures |= {
            "minutes": self._parameters.minutes,
            "jobs": left,
            "tasks_billed": len(bill["tasks"]),
            "requests": len(bill["posts"]),
            "pictures": verdict.pictures,
            "lost_replies": verdict.doubted,
            "faults_fired": sum(bill["faults"].values()),
            "posts_per_minute_max": bill["max_posts_per_minute"],
            "at_once_max": bill["max_concurrency"],
            "charged_usd": bill["charged_micros"] / 1e6,
            "cores": round(self._meter.cores(self._roots()), 2),
        }


def soak(parameters: Parameters, folder: Path, say: Say) -> Outcome:
    """Set up in `folder`, soak, judge."""
    with site(parameters, folder) as place:
        return Soak(parameters, place, say).run()


def _line(sample: dict[str, Any]) -> str:
    workers = ", ".join(f"{one['rss_mb']:.0f} MB/{one['descriptors']} fd" for one in sample["workers"])
    counts = sample["counts"]
    live = sum(count for name, count in counts.items() if name.startswith("attempts"))
    p95 = sample["claim_p95_ms"]
    return (
        f"{sample['seconds'] // 60:4} min  {counts.get('succeeded', 0):6} done {counts.get('failed', 0):4} "
        f"failed {counts.get('pending', 0):5} waiting {live:3} live; {sample['tasks']:6} tasks, "
        f"{sample['posts_per_minute_max']} a minute, {sample['at_once_max']} at once; {workers}; claim p95 "
        f"{'-' if p95 is None else f'{p95:.1f} ms'}; wal {sample.get('wal_mb', 0):.0f} MB; "
        f"{sample['cores']:.2f} cores; {'ok' if not sample['problems'] else sample['problems']}"
    )
