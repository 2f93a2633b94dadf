"""Plans and applies that look back at earlier nights: what is reused, and what a person must agree to."""

from dataclasses import replace

import pytest
from support.world import MODEL, World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking.flood import ChangeFloodError
from orchestrator.actions.planning.walking.part import Part
from orchestrator.catalogue import entries, get
from orchestrator.cli.rendering.plans.nights_text import plan_lines
from orchestrator.cli.rendering.plans.plan_documents import plan_document
from orchestrator.cli.rendering.plans.plan_text import plan_text
from orchestrator.core.nights import Regenerate
from orchestrator.core.states import AttemptState
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.db.schema import jobs, outputs
from orchestrator.yamlio import ProblemsError

MANIFEST = """\
version: 1
name: nightly
model: kwaivgi/kling-image-o3/edit
run: "{{{{ date }}}}"
{words}
matrix: {{product: {{csv: rows.csv}}}}
params: {{prompt: "{{{{ product.title }}}}", images: ["https://example.com/a.png"]}}
output: "{{{{ run }}}}/{{{{ product.sku }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture
def night(tmp_path):
    """The manifest as it is read in one night."""

    def read(date: str, titles="abc", words="regenerate: changed", twin=False, **more):
        lines = [f"SKU-{number},{title}\n" for number, title in enumerate(titles)]
        lines += ["SKU-TWIN,a\n"] if twin else []
        (tmp_path / "rows.csv").write_text("sku,title\n" + "".join(lines))
        (tmp_path / "nightly.yaml").write_text(MANIFEST.format(words=words))
        return load_manifest(tmp_path / "nightly.yaml", today=date, **more)

    return read


@pytest.fixture
def first(world, night) -> World:
    """Three products, whose pictures the first night has made."""
    apply(world.database, [night("2026-11-01")])
    for _ in range(3):
        world.until(AttemptState.SUCCEEDED)
    return world


def planned(world, manifest, **more):
    return plan([manifest], load_settings(None, {}, manifest.path.parent), world.database, **more)


def test_a_plan_says_what_is_reused_and_what_that_avoids(first, night):
    found = planned(first, night("2026-11-02", "abX"))
    (row,) = found.manifests
    assert (row.new, row.reused, row.existing, row.cost_micros, row.avoided_micros) == (
        1,
        2,
        0,
        28_000,
        56_000,
    )
    assert "Reused      2 reused, $0.056 avoided" in plan_text(found)
    assert "Nothing to pay" in plan_text(planned(first, night("2026-11-02")))


def test_what_was_planned_is_what_is_applied(first, night):
    (applied,) = apply(first.database, [night("2026-11-02", "abX")])
    assert (applied.new, applied.reused, applied.avoided_micros) == (1, 2, 56_000)
    assert len(first.rows(outputs)) == 4  # the reused ones point at the older files


def test_the_word_of_a_command_counts_instead_of_the_manifests(first, night):
    (row,) = planned(first, night("2026-11-02", regenerate=Regenerate.ALL)).manifests
    assert (row.new, row.reused) == (3, 0)


def test_without_the_word_every_night_is_bought_as_before(world, night):
    apply(world.database, [night("2026-11-01", words="")])
    apply(world.database, [night("2026-11-02", words="")])
    assert world.jobs() == {"pending": 6}


def test_rows_that_share_a_reused_job_get_no_further_file(first, night):
    manifest = night("2026-11-02", twin=True)
    assert planned(first, manifest).manifests[0].copies == 0
    assert apply(first.database, [manifest])[0].copies == 0


def test_rows_gone_from_the_data_wait_no_longer_once_a_later_night_is_applied(world, night):
    apply(world.database, [night("2026-11-01")])
    (applied,) = apply(world.database, [night("2026-11-02", "a")])
    assert applied.superseded == 3
    assert world.jobs() == {"cancelled": 3, "pending": 1}


def test_a_part_supersedes_only_what_it_asks_for(world, night):
    apply(world.database, [night("2026-11-01")])
    (applied,) = apply(world.database, [night("2026-11-02")], part=Part(limit=1))
    assert (applied.new, applied.superseded) == (1, 1)


@pytest.mark.parametrize(("titles", "trips"), [("abcX", True), ("abc", False), ("a", True), ("abcdef", True)])
def test_a_flood_of_changes_needs_a_persons_word_both_ways(first, night, titles, trips):
    manifest = night("2026-11-02", titles, words="regenerate: changed\nmax_changed: 20%")
    before = len(first.rows(jobs))
    assert bool(planned(first, manifest).manifests[0].flood.trips) is trips
    if not trips:
        apply(first.database, [manifest])
        return
    with pytest.raises(ChangeFloodError, match="--accept-changes") as caught:
        apply(first.database, [manifest])
    assert caught.value.exit_code == 5
    assert len(first.rows(jobs)) == before
    assert any("max_changed" in line for line in plan_lines(planned(first, manifest)))
    apply(first.database, [manifest], accept_changes=True)
    assert len(first.rows(jobs)) == before + len(titles)


def test_an_amount_of_money_guards_like_a_share(first, night):
    words = "regenerate: changed\nmax_changed: 0.05"
    apply(first.database, [night("2026-11-02", "abX", words=words)])
    with pytest.raises(ChangeFloodError, match=r"\$0\.084.*allowed are \$0\.05"):
        apply(first.database, [night("2026-11-03", "UVW", words=words)])


def test_another_model_is_told_in_the_plan_and_is_a_flood(first, night, monkeypatch):
    words = "regenerate: changed\nmax_changed: 20%\n"
    monkeypatch.setitem(entries._MODELS, MODEL, replace(get(MODEL), revision=2))
    assert planned(first, night("2026-11-02", words=f"{words}on_model_change: keep")).manifests[0].reused == 3
    manifest = night("2026-11-02", words=f"{words}on_model_change: regenerate")
    found = planned(first, manifest)
    assert (found.manifests[0].new, found.manifests[0].reused) == (3, 0)
    assert "3 changed by a new revision of the model" in plan_text(found)
    assert plan_document(found)["totals"]["changed_by_model"] == 3
    with pytest.raises(ChangeFloodError, match="3 of 3 jobs are new or changed"):
        apply(first.database, [manifest])
    (applied,) = apply(first.database, [manifest], accept_changes=True)
    assert (applied.new, applied.outdated) == (3, 3)


def test_the_first_night_is_no_flood(world, night):
    apply(world.database, [night("2026-11-01", words="regenerate: changed\nmax_changed: 1%")])
    assert world.jobs() == {"pending": 3}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("regenerate: some", "expected one of"),
        ("older_than: 30d", "regenerate: changed"),
        ("on_model_change: regenerate", "regenerate: changed"),
        ("regenerate: changed\non_model_change: buy", "expected one of"),
        ("regenerate: changed\nolder_than: 30", "such as 12h, 30d or 8w"),
        ("max_changed: 120%", "a share such as 20%"),
        ("max_changed: many", "a share such as 20%"),
        ("finish_by: 6:00", "a time of day such as 06:00"),
        ("leftovers: drop", "expected one of"),
    ],
)
def test_a_wrong_word_says_what_is_allowed(night, words, said):
    with pytest.raises(ProblemsError, match=said):
        night("2026-11-01", words=words)
