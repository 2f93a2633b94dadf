"""The example of stages, whole, against the sandbox: by a person who accepts, rejects and chooses anew."""

import shutil
from pathlib import Path

import pytest
from PIL import Image

from orchestrator.core.errors import ExitCode

JOBS = Path(__file__).parents[2] / "jobs"
MADE = 4
FEW = 2


@pytest.fixture
def batch(shell, provider):
    """Runs the example; the summary."""
    for name in ("stages.yaml", "products.csv"):
        shutil.copy(JOBS / name, shell.folder)
    shutil.copytree(JOBS / "photos", shell.folder / "photos")

    def run(code: ExitCode, *more: str) -> dict:
        assert shell("run", "stages.yaml", "--yes", "--json", *more) == code, shell.said
        return shell.document

    def listed(stage: str, run_key: str = "main") -> list[dict]:
        assert shell("jobs", "list", "--run", run_key, "--json") == ExitCode.DONE
        return [line for line in shell.lines if line["axes"]["stage"] == stage]

    run.shell, run.listed, run.sandbox = shell, listed, provider
    return run


@pytest.fixture
def small(batch):
    """The example with one scene, so that it is over sooner, and enough money."""
    path = batch.shell.folder / "stages.yaml"
    text = path.read_text().replace("[oak table, beach at sunset]", "[oak table]")
    path.write_text(text.replace("budget: 0.50", "budget: 5.00"))
    return batch


def bought(batch) -> int:
    return len(batch.sandbox.bill().tasks)


def accept(batch, *jobs: dict) -> None:
    assert batch.shell("accept", *(str(job["id"]) for job in jobs)) == ExitCode.DONE


def test_the_example_waits_for_a_person_and_then_makes_what_follows(batch):
    first = batch(ExitCode.OPERATOR)
    assert (first["jobs"]["succeeded"], bought(batch)) == (MADE, MADE)
    assert "orchestrator review" in first["next_command"]
    assert batch.shell("plan", "stages.yaml") == ExitCode.DONE
    assert "cutout waits for accepted pictures: review them with `orchestrator review`" in batch.shell.said
    accept(batch, *batch.listed("pictures"))
    second = batch(ExitCode.DONE)
    assert (second["jobs"]["succeeded"], bought(batch)) == (3 * MADE, 3 * MADE)
    folder = batch.shell.folder / "outputs/stages/MUG-01"
    assert sorted(path.name for path in folder.glob("*.png")) == [
        "beach-at-sunset-0-cutout.png", "beach-at-sunset-0-large.png", "beach-at-sunset-0.png",
        "oak-table-0-cutout.png", "oak-table-0-large.png", "oak-table-0.png",
    ]  # fmt: skip
    assert batch.shell("budget", "audit") == ExitCode.DONE
    batch(ExitCode.DONE)
    assert bought(batch) == 3 * MADE


def test_nothing_follows_from_a_picture_that_is_rejected(small):
    small(ExitCode.OPERATOR)
    bad, *good = small.listed("pictures")
    accept(small, *good)
    assert "1 job of cutout may be made now" in small.shell.said
    assert "orchestrator work --drain" in small.shell.said
    assert small.shell("reject", str(bad["id"])) == ExitCode.DONE
    assert "1 job of cutout waits without a picture" in small.shell.said
    assert "may be made now" not in small.shell.said
    made = small(ExitCode.DONE)
    assert (made["jobs"]["succeeded"], bought(small)) == (FEW + 2 * (FEW - 1), FEW + 2 * (FEW - 1))
    assert "no_picture" in small.shell.said
    assert {job["state"] for job in small.listed("large")} == {"succeeded", "pending"}
    done = next(job for job in small.listed("cutout") if job["state"] == "succeeded")
    assert small.shell("jobs", "show", str(done["id"])) == ExitCode.DONE
    (kept,) = good
    assert f"picture 1 of job {kept['id']}: {kept['outputs'][0]['path']}" in small.shell.said


def test_another_choice_makes_again_what_follows_from_it_once(small):
    small(ExitCode.OPERATOR)
    one, *others = small.listed("pictures")
    accept(small, one, *others)
    small(ExitCode.DONE)
    assert small.shell("redo", str(one["id"]), "--yes") == ExitCode.DONE, small.shell.said
    assert small.shell("work", "--drain", "--json") == ExitCode.DONE
    again = next(
        job for job in small.listed("pictures") if job["id"] not in {j["id"] for j in (one, *others)}
    )
    accept(small, again)
    assert bought(small) == 3 * FEW + 1
    assert small.shell("plan", "stages.yaml") == ExitCode.DONE
    assert "1 to be made again: its picture was chosen anew, $0.028" in small.shell.said
    small(ExitCode.DONE)
    assert bought(small) == 3 * FEW + 2
    small(ExitCode.DONE)
    found = bought(small)
    small(ExitCode.DONE)
    assert bought(small) == found <= 3 * FEW + 3
    assert small.shell("budget", "audit") == ExitCode.DONE


def test_a_night_reuses_whole_chains_and_buys_that_whose_photo_changed(small):
    small(ExitCode.OPERATOR, "--run", "n1")
    accept(small, *small.listed("pictures", "n1"))
    small(ExitCode.DONE, "--run", "n1")
    again = small(ExitCode.DONE, "--run", "n2", "--regenerate", "changed")
    assert (again["jobs"]["reused"], bought(small)) == (3 * FEW, 3 * FEW)
    Image.new("RGB", (400, 400), "teal").save(small.shell.folder / "photos/mug.jpg")
    small(ExitCode.OPERATOR, "--run", "n3", "--regenerate", "changed")
    assert bought(small) == 3 * FEW + FEW // 2
    accept(small, *[job for job in small.listed("pictures", "n3") if job["state"] == "succeeded"])
    small(ExitCode.DONE, "--run", "n3", "--regenerate", "changed")
    assert bought(small) == 3 * FEW + 3 * FEW // 2
    assert small.shell("budget", "audit") == ExitCode.DONE


def test_with_money_kept_for_chains_fewer_are_begun_and_each_is_finished(small):
    path = small.shell.folder / "stages.yaml"
    path.write_text(path.read_text().replace("budget: 5.00", "budget: 0.15"))
    small(ExitCode.OPERATOR)  # a chain costs 0.112
    assert bought(small) == 1
    accept(small, *[job for job in small.listed("pictures") if job["state"] == "succeeded"])
    small(ExitCode.BUDGET)
    assert bought(small) == 3
    assert {job["state"] for job in small.listed("large")} == {"succeeded", "pending"}
