"""A saved plan is applied just as it was shown, or refused with what has changed."""

import json

import pytest
from PIL import Image

from orchestrator.actions.planning.figures.saved_plan import Seal
from orchestrator.core.errors import ExitCode

TABLE = """\
version: 1
name: hero
campaign: sale
model: kwaivgi/kling-image-o3/edit
run: "{{ date }}"
matrix: {product: {csv: rows.csv}}
params:
  prompt: "{{ product.name }} of {{ date }}"
  images: [photo.png]
output: "{{ product.name }}-{{ index }}.{{ ext }}"
"""


@pytest.fixture
def saved(shell):
    """A plan of a manifest with a table, saved."""
    (shell.folder / "hero.yaml").write_text(TABLE)
    (shell.folder / "rows.csv").write_text("sku,name\nA,mug\nB,lamp\n")
    assert shell("plan", "hero.yaml", "-o", "hero.plan") == ExitCode.DONE
    assert "orchestrator apply hero.plan" in shell.said
    assert sorted(path.name for path in shell.folder.iterdir()) == [
        "hero.plan", "hero.yaml", "photo.png", "rows.csv",
    ]  # fmt: skip
    return shell


def retouch(folder):
    Image.new("RGB", (400, 400), "blue").save(folder / "photo.png")


def edit(name, old, new):
    def edited(folder):
        path = folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return edited


def test_a_saved_plan_is_applied_once_and_again(saved):
    assert saved("apply", "hero.plan") == ExitCode.DONE
    assert "2 new jobs" in saved.out
    assert saved("apply", "hero.plan") == ExitCode.DONE
    assert "0 new jobs, 2 existing" in saved.out


def test_a_saved_plan_can_be_looked_at_again(saved):
    assert saved("plan", "hero.plan") == ExitCode.DONE
    assert "orchestrator apply hero.plan" in saved.said
    retouch(saved.folder)
    assert saved("plan", "hero.plan") == ExitCode.USAGE
    assert "the picture photo.png has changed" in saved.said


def test_a_saved_plan_is_run_with_its_part(shell, provider):
    manifest = shell.manifest()
    shell("plan", manifest, "--limit", "1", "--run", "try", "-o", "one.plan")
    assert shell("run", "one.plan", "--yes", "--json") == ExitCode.DONE
    assert shell.document["runs"][0]["run"] == "try"
    assert provider.bill().post_count == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (edit("hero.yaml", " of ", " for "), "hero.yaml has changed"),
        (edit("rows.csv", "lamp", "vase"), "the table rows.csv has changed"),
        (retouch, "the picture photo.png has changed"),
        (edit("hero.plan", '"limit": null', '"limit": 1'), "was edited after it was saved"),
        (edit("hero.plan", "{", "[{"), "is no saved plan"),
    ],
)
@pytest.mark.parametrize("verb", ["apply", "run"])
def test_what_has_changed_since_is_named_and_nothing_is_written(saved, verb, change, told):
    change(saved.folder)
    assert saved(verb, "hero.plan") == ExitCode.USAGE
    assert told in saved.said
    assert "Traceback" not in saved.said
    saved("status", "--json")
    assert not json.loads(saved.out).get("runs")


def test_a_price_that_rose_is_drift_and_one_that_fell_is_not():
    before = Seal(prices={"a": 28_000}, jobs="x")
    assert before.drift(Seal(prices={"a": 56_000}, jobs="x"), "m") == [
        "a job costs $0.056 now, and cost $0.028 then"
    ]
    assert before.drift(Seal(prices={"a": 14_000}, jobs="x"), "m") == []
    assert before.drift(Seal(prices={"a": 28_000}, jobs="y"), "m") == [
        "m gives other jobs or paths, by another configuration or release"
    ]


@pytest.mark.parametrize("more", [["hero.yaml"], ["--limit", "1"], ["--run", "x"]])
def test_a_saved_plan_is_named_alone(saved, more):
    assert saved("apply", "hero.plan", *more) == ExitCode.USAGE
    assert "name it alone" in saved.said


def test_a_plan_overwrites_plans_and_nothing_else(saved):
    assert saved("plan", "hero.yaml", "-o", "hero.plan") == ExitCode.DONE
    (saved.folder / "other.plan").write_text("mine")
    assert saved("plan", "hero.yaml", "-o", "other.plan") == ExitCode.USAGE
    assert saved("plan", "hero.yaml", "-o", "hero.yaml") == ExitCode.USAGE
    assert (saved.folder / "other.plan").read_text() == "mine"
    assert (saved.folder / "hero.yaml").read_text() == TABLE
