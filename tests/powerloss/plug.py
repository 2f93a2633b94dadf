"""One traced worker, from an empty folder to its end, and a look at the disk at every moment of it."""

import json
import os
import sys
from pathlib import Path

from crashes.processes import Processes
from crashes.stage import CONFIG, HEAD, KEY, Scenario, staged

from powerloss.check import LossFindings, check
from powerloss.disk import Disk
from powerloss.trace import calls, traced

VICTIM = Path(__file__).with_name("victim.py")
WORKER_SECONDS_MAX = 300


def scenario(jobs: int) -> Scenario:
    """Jobs of different prompts, one picture each."""
    return Scenario(
        "plug",
        HEAD.format(name="plug")
        + f"""\
matrix: {{scene: {{range: [1, {jobs}]}}}}
params: {{prompt: "plug {{{{ scene }}}}", images: [photo.png]}}
output: "{{{{ scene }}}}/{{{{ index }}}}.{{{{ ext }}}}"
""",
        cap_micros=28_000 * jobs,
        exit_code=0,
        succeeded=jobs,
        sandbox={"latency_median": 0.02},
    )


def pull_the_plug(
    processes: Processes,
    folder: Path,
    sabotage: str = "nothing",
    *,
    jobs: int = 3,
    torn: int = 3,
    seed: int = 1,
) -> LossFindings:
    """Trace a worker with one task at a time, then rebuild the disk as it may be at each moment."""
    work = scenario(jobs)
    with staged(processes, folder, work) as stage:
        (folder / "config.yaml").write_text(CONFIG.replace("concurrency: 6", "concurrency: 1"))
        disk = Disk(folder, ["outputs", "orchestrator.db"])
        env = {**os.environ, "WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": stage.url}
        command = [sys.executable, str(VICTIM), sabotage, "run", "plug.yaml", "--yes"]
        code = traced(command=command, log=folder / "trace", folder=folder, env=env).wait(
            timeout=WORKER_SECONDS_MAX
        )
        assert code == work.exit_code, stage.log()
        bill = stage.bill()
    pictures = {digest for task in bill["tasks"] for digest in task["output_sha256"].values()}
    assert len(bill["tasks"]) == work.succeeded, json.dumps(bill)
    return check(
        calls=calls(folder / "trace"), disk=disk, root=folder, pictures=pictures, torn=torn, seed=seed
    )
