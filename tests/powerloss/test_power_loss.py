"""Power loss at any moment: what was promised to others is on the disk, and what is on the disk is whole."""

import json
import os
import sys
from pathlib import Path

import pytest
from crashes.nursery import Nursery
from crashes.stage import CONFIG, HEAD, KEY, Scenario, staged

from powerloss.check import Findings, check
from powerloss.disk import Disk
from powerloss.trace import calls, traced, why_not

VICTIM = Path(__file__).with_name("victim.py")
ONE_AT_A_TIME = Scenario(
    "plug",
    HEAD.format(name="plug")
    + """\
matrix: {scene: [a, b, c]}
params: {prompt: "plug {{ scene }}", images: [https://in.example/a.png]}
output: "{{ scene }}/{{ index }}.{{ ext }}"
""",
    cap_micros=1_000_000,
    exit_code=0,
    succeeded=3,
    sandbox={"latency_median": 0.02},
)

pytestmark = pytest.mark.skipif(bool(reason := why_not()), reason=reason)


@pytest.fixture(scope="module")
def nursery():
    with Nursery() as server:
        yield server


def pull_the_plug(nursery: Nursery, folder: Path, sabotage: str) -> Findings:
    """Trace a worker from an empty folder to its end, then look at the disk at every moment of it."""
    with staged(nursery, folder, ONE_AT_A_TIME) as stage:
        (folder / "config.yaml").write_text(CONFIG.replace("concurrency: 6", "concurrency: 1"))
        disk = Disk(folder, ["outputs", "orchestrator.db"])
        env = {**os.environ, "WAVESPEED_API_KEY": KEY, "WAVESPEED_BASE_URL": stage.url}
        command = [sys.executable, str(VICTIM), sabotage, "run", "plug.yaml", "--yes"]
        code = traced(command, folder / "trace", folder, env).wait(timeout=120)
        assert code == ONE_AT_A_TIME.exit_code, stage.log()
        bill = stage.bill()
    pictures = {digest for task in bill["tasks"] for digest in task["output_sha256"].values()}
    assert len(bill["tasks"]) == ONE_AT_A_TIME.succeeded, json.dumps(bill)
    return check(calls(folder / "trace"), disk, folder, pictures, seed=1)


def test_every_promise_survives_a_power_loss(nursery, tmp_path):
    found = pull_the_plug(nursery, tmp_path / "stage", "nothing")
    assert found.problems == {}
    assert (found.posts, found.answers) == (3, 3)
    assert found.images > 100


@pytest.mark.parametrize(
    ("sabotage", "problems"),
    [
        (
            "synchronous_normal",
            {"a request left whose intent is not durable", "a prediction that was acted on is not durable"},
        ),
        ("no_folder_sync", {"a stored picture has no name"}),
        ("no_picture_sync", {"a picture with a final name is not whole", "a stored picture is not whole"}),
        ("post_first", {"a request left whose intent is not durable"}),
    ],
)
def test_a_broken_promise_is_found(sabotage, problems, nursery, tmp_path):
    assert problems <= pull_the_plug(nursery, tmp_path / "stage", sabotage).problems.keys()
