"""The examples, whole, against the sandbox, over three nights; in the second one input is another."""

import json
import shutil
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.core.errors import ExitCode

JOBS = Path(__file__).parents[2] / "jobs"


@pytest.fixture
def night(shell, provider):
    """Runs the manifest as a scheduler does, under the key of a night; the summary."""
    shutil.copy(JOBS / "nightly.yaml", shell.folder)
    shutil.copytree(JOBS / "photos", shell.folder / "photos")

    def run(key: str, *more: str) -> dict:
        assert shell("run", "nightly.yaml", "--run", key, "--yes", "--json", *more) == ExitCode.DONE
        return shell.document

    run.folder, run.shell, run.sandbox = shell.folder, shell, provider
    return run


def names(folder: Path) -> dict[str, str]:
    """What lies under the stable names, by digests."""
    found = (folder / "outputs/latest").glob("*.webp")
    return {path.stem: sha256(path.read_bytes()).hexdigest() for path in found}


def bought(night) -> int:
    return len(night.sandbox.bill().tasks)


def test_the_second_night_buys_the_one_picture_whose_photo_changed_and_the_third_buys_nothing(night):
    first = night("n1")
    assert (first["jobs"]["succeeded"], first["jobs"]["reused"], bought(night)) == (3, 0, 3)
    one = names(night.folder)
    Image.new("RGB", (400, 400), "teal").save(night.folder / "photos/mug.jpg")
    night.shell("plan", "nightly.yaml", "--run", "n2")
    assert "Reused      2 reused, $0.056 avoided" in night.shell.said
    second = night("n2")
    assert (second["jobs"]["succeeded"], second["jobs"]["reused"], bought(night)) == (1, 2, 4)
    two = names(night.folder)
    assert {name for name in one if one[name] != two[name]} == {"mug"}
    assert night.shell("run", "nightly.yaml", "--run", "n2b", "--yes") == ExitCode.DONE
    assert "0 done, 0 failed of 0 jobs; 3 reused, $0.084 avoided" in night.shell.said
    assert "0 stored, 3 of earlier runs" in night.shell.said
    assert (night.folder / "outputs/always-fresh-nightly-n2b.html").is_file()
    third = night("n3")
    assert (third["jobs"]["succeeded"], third["jobs"]["reused"], bought(night)) == (0, 3, 4)
    assert names(night.folder) == two
    assert night.shell("budget", "audit") == ExitCode.DONE
    night.shell("status")
    assert "reused" in night.shell.said


LARGER = """\
override:
  - when: {product: {sku: MUG-01}, scene: beach at sunset, aspect_ratio: 1:1}
    set: {resolution: 2k}
params:"""


@pytest.mark.parametrize(
    ("manifest", "before", "after", "jobs", "edited"),
    [
        # one combination, in its two variations
        (
            "campaign-cost-capped.yaml",
            "wrapped in paper on a workbench",
            "wrapped in cloth on a bench",
            24,
            2,
        ),
        # a marketing batch: one shape of one scene of one product is wanted larger
        ("quickstart.yaml", "params:", LARGER, 8, 1),
    ],
    ids=["capped", "marketing"],
)
def test_each_night_of_an_example_buys_only_what_was_edited(night, manifest, before, after, jobs, edited):
    shutil.copy(JOBS / manifest, night.folder)
    shutil.copy(JOBS / "products.csv", night.folder)

    def again(key: str) -> tuple[int, int, int]:
        words = ("--run", key, "--regenerate", "changed", "--yes", "--json")
        assert night.shell("run", manifest, *words) == ExitCode.DONE, night.shell.said
        found = night.shell.document["jobs"]
        return found["succeeded"], found["reused"], bought(night)

    assert again("n1") == (jobs, 0, jobs)
    path = night.folder / manifest
    assert before in path.read_text()
    path.write_text(path.read_text().replace(before, after))
    assert again("n2") == (edited, jobs - edited, jobs + edited)
    assert again("n3") == (0, jobs, jobs + edited)
    assert night.shell("budget", "audit") == ExitCode.DONE


def test_the_list_of_a_night_says_what_lies_under_each_name(night):
    night("n1")
    text = (night.folder / "outputs/latest/always-fresh.nightly.n1.jsonl").read_text()
    head, *lines = [json.loads(line) for line in text.splitlines()]
    assert (head["campaign"], head["name"], head["run"]) == ("always-fresh", "nightly", "n1")
    assert {Path(line["path"]).stem: line["sha256"] for line in lines} == names(night.folder)


def test_a_verdict_given_later_is_made_good_by_the_next_night(night):
    night("n1")
    before = names(night.folder)
    night.shell("jobs", "list", "--json")
    mug = next(line["id"] for line in night.shell.lines if "mug" in line["axes"]["photo"])
    night.shell("reject", str(mug), "--note", "too dark")
    again = night("n2")
    assert (again["jobs"]["succeeded"], again["jobs"]["reused"], bought(night)) == (1, 2, 4)
    assert {name for name in before if before[name] != names(night.folder)[name]} == {"mug"}


def test_photos_that_were_all_exported_again_wait_for_a_person(night):
    night("n1")
    for path in (night.folder / "photos").glob("*.jpg"):
        with Image.open(path) as picture:
            picture.convert("L").save(path)
    assert night.shell("plan", "nightly.yaml", "--run", "n2") == ExitCode.OPERATOR
    assert "orchestrator run nightly.yaml --run n2 --accept-changes" in night.shell.said
    assert night.shell("run", "nightly.yaml", "--run", "n2", "--yes") == ExitCode.OPERATOR
    assert "3 of 3 jobs are new or changed" in night.shell.said
    assert "--accept-changes" in night.shell.said
    assert bought(night) == 3
    night("n2", "--accept-changes")
    assert bought(night) == 6


def test_a_photo_that_is_gone_takes_its_name_with_it(night):
    night("n1")
    (night.folder / "photos/mug.jpg").unlink()
    night("n2")
    assert sorted(names(night.folder)) == ["bottle", "shoe"]


def test_a_rejected_picture_loses_its_name_at_once(night):
    night("n1")
    night.shell("reject", "1", "2", "3")
    assert names(night.folder) == {}
    night.shell("accept", "2")
    assert len(names(night.folder)) == 1


def test_a_picture_that_is_missing_is_fetched_again_and_not_bought(night):
    night("n1")
    lost = next((night.folder / "outputs/always-fresh/n1").glob("mug*.webp"))
    before = lost.read_bytes()
    lost.unlink()
    night("n2")
    assert (lost.read_bytes(), bought(night)) == (before, 3)
    assert "fetched again" in night.shell.said


def test_a_tick_fetches_a_picture_that_is_missing_and_buys_nothing(night):
    night("n1")
    lost = next((night.folder / "outputs/always-fresh/n1").glob("mug*.webp"))
    before = lost.read_bytes()
    lost.unlink()
    night.shell("schedule", "add", "nightly.yaml")
    night.shell("schedule", "run-now", "always-fresh/nightly")
    assert night.shell("work", "--drain") == ExitCode.DONE, night.shell.said
    assert "1 of them fetched again" in night.shell.said
    assert (lost.read_bytes(), bought(night)) == (before, 3)


def test_a_picture_that_the_provider_has_no_more_needs_attention_and_is_not_bought(night):
    night("n1")
    lost = next((night.folder / "outputs/always-fresh/n1").glob("mug*.webp"))
    lost.unlink()
    with sqlite3.connect(night.folder / "orchestrator.db") as base:
        base.execute("UPDATE attempts SET prediction_id = prediction_id || 'x'")
    night("n2")
    night.shell("status")
    assert "1 picture is missing that later runs point at" in night.shell.said
    assert bought(night) == 3
