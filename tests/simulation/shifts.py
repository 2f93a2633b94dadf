"""Later nights of one manifest, applied late, twice or in parts, while its earlier ones are made."""

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.actions.operator.change_jobs import supersede
from orchestrator.core.nights import Leftovers, NightRule, Regenerate
from orchestrator.core.specs import JobSpec
from orchestrator.store.db.database import Database
from orchestrator.store.runs import adding, runs
from orchestrator.store.runs.new_jobs import encode

from .plan import PlannedRun, prompts

if TYPE_CHECKING:
    from .simulation import Simulation

CHANGED_OFTEN = (Regenerate.CHANGED,) * 6 + (Regenerate.ALL,)
LEFTOVERS = (Leftovers.CANCEL, Leftovers.CANCEL, Leftovers.CARRY, Leftovers.KEEP)


class NightShift:
    """Applies the next night of a manifest, or an earlier one once more, with dice of its own."""

    def __init__(self, simulation: "Simulation", database: Database) -> None:
        self._simulation = simulation
        self._database = database
        self._dice = random.Random(f"nights {simulation.plan.seed}")
        self._rules: list[NightRule] = []  # of the nights that were applied

    def act(self) -> None:
        """A new night, while there are some to come, or what is left of one that was applied before."""
        dice = self._dice
        if len(self._rules) < self._simulation.plan.nights and (not self._rules or dice.random() < 0.6):
            self._rules.append(NightRule(dice.choice(CHANGED_OFTEN), leftovers=dice.choice(LEFTOVERS)))
            number = len(self._rules)
        else:
            number = dice.randint(1, len(self._rules))
        self._apply(self._simulation.plan.runs[0], number)

    def _apply(self, planned: PlannedRun, number: int) -> None:
        """What `orchestrator apply --run-key` writes; when only a part is read, nothing is superseded yet
        that the part does not ask for.
        """
        simulation, rule = self._simulation, self._rules[number - 1]
        share = self._dice.choice((0.6, 0.8, 1.0, 1.0))
        wanted = [spec for spec in self._specs(planned, number) if self._dice.random() < share]
        before = simulation.checker.nights.before()
        with self._database.write() as tx:
            spec = simulation.operator.manifest(planned, run_key=f"night{number}")
            run = runs.ensure_run(tx, replace(spec, night=rule))
            added = adding.add_encoded(tx, run, [encode(each) for each in wanted], rule=rule)
        dropped = supersede(self._database, run, rule) if share == 1.0 else 0
        simulation.checker.learn_jobs()
        simulation.checker.nights.applied(before, run.id, rule=rule, keys=[each.key for each in wanted])
        words = (added.new, "new", added.reused, "reused", added.under_way, "under way")
        more = (added.superseded, dropped, "superseded")
        simulation.timeline.mark(
            "operator", f"night {number}", rule.regenerate, rule.leftovers, *words, *more
        )
        for name in ("reused", "under_way", "superseded"):
            simulation.timeline.edges[f"night {name}"] += getattr(added, name)
        simulation.timeline.edges["night bought"] += added.new
        simulation.timeline.edges["night dropped"] += dropped

    def _specs(self, planned: PlannedRun, number: int) -> list[JobSpec]:
        first = [self._simulation.operator.job(planned, *each) for each in enumerate(prompts(planned))]
        folder = f"{planned.campaign}/night{number}"
        return [
            replace(
                spec,
                output_paths=tuple(f"{folder}/{path.rsplit('/', 1)[-1]}" for path in spec.output_paths),
            )
            for spec in first
        ]
