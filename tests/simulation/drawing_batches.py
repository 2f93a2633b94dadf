"""How the batches and caps of a seed are drawn."""

import random

from .plan import PlannedCap, PlannedRun


def draw_runs(dice: random.Random, theme: str) -> list[PlannedRun]:
    campaigns = ["spring", "summer"][: dice.randint(1, 2)]
    count = dice.randint(1, 3)
    budget = {"long": 14, "caps": 16}.get(theme, 10)
    runs = []
    for number in range(count):
        variations = dice.choice((1, 1, 1, 2))
        runs.append(
            PlannedRun(
                campaign=dice.choice(campaigns),
                name=f"run{number}",
                priority=dice.choice((0, 0, 5)),
                max_attempts=dice.choice((1, 2, 3)),
                combinations=max(1, dice.randint(1, budget // count) // variations),
                variations=variations,
                images=dice.choice((1, 1, 2, 3)),
                resolution=dice.choice(("1k", "2k", "4k")),
                local_images=dice.random() < 0.25,
            )
        )
    return runs


def draw_caps(dice: random.Random, theme: str, runs: list[PlannedRun]) -> list[PlannedCap]:
    if theme != "caps" and dice.random() < 0.6:
        return []
    total = sum(run.price_micros * run.jobs for run in runs)
    caps = []
    for _ in range(dice.randint(1, 3)):
        scope = dice.choice(("account", "campaign", "run"))
        run = dice.choice(runs)
        base = {
            "account": total,
            "campaign": sum(r.price_micros * r.jobs for r in runs if r.campaign == run.campaign),
            "run": run.price_micros * run.jobs,
        }[scope]
        share = dice.choice((0.0, 0.3, 0.5, 0.8, 1.0, 1.5))
        name = {"account": "", "campaign": run.campaign, "run": run.name}[scope]
        caps.append(
            PlannedCap(
                scope=scope,
                name=name,
                window=dice.choice(("total", "total", "month", "day")),
                micros=int(base * share),
            )
        )
    return caps
