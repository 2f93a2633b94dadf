"""What stays broken for ever in some seeds, and what must be seen then: all else ends, and the rest says why
it does not.

* `picture`: no URL of one output ever brings a picture. Its attempt fails as a lost output, and its job
  with it.
* `bill`, `list`: it can never be read. What a lost reply created stays in doubt; workers that drain end
  with an error.
* `list`, besides: a worker that begins when tasks were bought before sends nothing.
* `input`: the provider never takes one input: the POST of one prompt, or the upload, is refused. Those jobs
  fail.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from .plan import SimulationPlan, prompts

UNREADABLE = frozenset({"bill", "list"})
"""Those that keep workers from ending in order: what they must read first can never be read."""

PATIENCE_SECONDS = 900.0
"""When the other faults have been over for so long, people start no more workers that end because they
cannot read."""

Row = Mapping[str, Any]


def refused_prompt(plan: SimulationPlan) -> str | None:
    """The prompt whose input the provider never takes."""
    if plan.lasting != "input":
        return None
    asked = [(run, params) for run in plan.runs for _, _, params in prompts(run) if not run.local_images]
    return str(asked[plan.lasting_at % len(asked)][1]["prompt"]) if asked else None


def wrong_with(jobs: Sequence[Row], attempts: Sequence[Row], lost: str | None) -> list[str]:
    """What breaks the rules at the end; `lost` is the task one of whose pictures cannot be had."""
    last = {row["job_id"]: row for row in attempts}
    return [
        f"job {job['id']} failed, and its last attempt does not say why"
        for job in jobs
        if job["state"] == "failed" and not _says_why(last.get(job["id"]))
    ] + [
        f"attempt {row['id']} is {row['state']}, and a picture of it cannot be had"
        for row in attempts
        if lost is not None and row["prediction_id"] == lost and row["state"] != "failed"
    ]


def _says_why(attempt: Row | None) -> bool:
    return attempt is not None and attempt["state"] in {"failed", "abandoned"} and bool(attempt["reason"])
