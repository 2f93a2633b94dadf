"""Applying rows that share a job: the job is bought once, and every row's files are planned, once."""

import pytest
from support.world import World

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking import walk
from orchestrator.actions.planning.walking.part import Part
from orchestrator.core.paths import copy_number
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.db.schema import outputs
from orchestrator.store.runs.output_paths import PathTakenError

MANIFEST = """\
version: 1
name: {name}
campaign: sale
model: kwaivgi/kling-image-o3/edit
matrix: {{product: {{csv: rows.csv}}}}
params:
  prompt: "a mug {{{{ product.scene }}}}"
  images: ["https://example.com/a.png"]
  num_images: 2
output: "{{{{ product.sku }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(walk, "CHUNK", 2)


@pytest.fixture
def store(database, clock, entropy):
    return World(database, clock, entropy)


@pytest.fixture
def write(tmp_path):
    """A manifest over rows, each a name and what is asked for."""

    def written(*rows, name="hero", run_key=None):
        lines = "".join(f"{row.partition(' ')[0]},{row.partition(' ')[2]}\n" for row in rows)
        (tmp_path / "rows.csv").write_text("sku,scene\n" + lines)
        file = tmp_path / f"{name}.yaml"
        file.write_text(MANIFEST.format(name=name))
        return load_manifest(file, today="2026-11-22", run_key=run_key)

    return written


@pytest.fixture
def planned(database, tmp_path):
    def row(manifest, **how):
        found = plan([manifest], load_settings(None, {}, tmp_path), database, **how)
        return found.manifests[0]

    return row


def paths(store) -> dict[int, list[tuple[int, str]]]:
    """Of each job: the number of the row that wants it, 0 for its own, and the path."""
    found: dict[int, list[tuple[int, str]]] = {}
    for row in store.rows(outputs):
        assert row.state == "planned"
        found.setdefault(row.job_id, []).append((copy_number(row.idx), row.path))
    return found


def test_two_rows_that_ask_for_the_same_are_one_job_with_the_files_of_both(database, store, write, planned):
    manifest = write("A x", "B y", "C x")
    row = planned(manifest)
    assert (row.jobs, row.new, row.images, row.copies) == (2, 2, 4, 2)
    (applied,) = apply(database, [manifest])
    assert (applied.new, applied.copies, applied.cost_micros) == (2, 2, 4 * 28_000)
    assert paths(store) == {
        1: [(0, "A-0.png"), (0, "A-1.png"), (1, "C-0.png"), (1, "C-1.png")],
        2: [(0, "B-0.png"), (0, "B-1.png")],
    }


def test_applying_again_changes_nothing(database, store, write, planned):
    manifest = write("A x", "C x", "D x")
    apply(database, [manifest])
    before = store.everything()
    assert planned(manifest).copies == 0
    (again,) = apply(database, [manifest])
    assert (again.new, again.existing, again.copies) == (0, 1, 0)
    assert store.everything() == before


def test_a_row_that_is_added_later_adds_its_files_to_the_job(database, store, write, planned):
    apply(database, [write("A x")])
    manifest = write("A x", "B x")
    assert (planned(manifest).new, planned(manifest).copies) == (0, 2)
    assert apply(database, [manifest])[0].copies == 2
    (last,) = apply(database, [write("A x", "B x", "C x")])
    assert last.copies == 2
    assert [number for number, _ in paths(store)[1]] == [0, 0, 1, 1, 2, 2]


def test_a_row_that_is_put_before_the_others_gets_its_files_too(database, store, write, planned):
    apply(database, [write("B x")])
    manifest = write("A x", "B x")
    assert planned(manifest).copies == 2
    assert apply(database, [manifest])[0].copies == 2
    assert paths(store) == {1: [(0, "B-0.png"), (0, "B-1.png"), (1, "A-0.png"), (1, "A-1.png")]}
    assert planned(manifest).copies == 0


def test_the_whole_after_a_sample_has_the_files_of_every_row(database, store, write):
    manifest = write("A x", "B x", "C x", "D x")
    apply(database, [manifest], part=Part(sample=1))
    apply(database, [manifest])
    assert sorted(path for _, path in paths(store)[1]) == [
        f"{name}-{index}.png" for name in "ABCD" for index in (0, 1)
    ]


def test_in_a_second_run_the_copies_are_named_beside_the_first_runs_as_its_pictures_are(
    database, store, write, planned
):
    apply(database, [write("A x", "B x")])
    second = write("A x", "B x", run_key="second")
    apply(database, [second])
    names = [path for _, path in paths(store)[2]]
    assert all("~" in name for name in names)
    assert len(set(names)) == 4
    assert planned(second).copies == 0
    assert apply(database, [second])[0].copies == 0


def test_a_name_that_another_job_of_the_manifest_has_from_earlier_gets_a_suffix(database, store, write):
    apply(database, [write("A x", "B y")])
    (applied,) = apply(database, [write("A x", "B x")])
    assert (applied.new, applied.copies) == (0, 2)
    copies = [path for number, path in paths(store)[1] if number]
    assert all(path.startswith("B-") and "~" in path for path in copies)
    assert apply(database, [write("A x", "B x")])[0].copies == 0


def test_a_name_of_another_manifest_is_refused_before_anything_is_written(database, store, write, planned):
    apply(database, [write("B z", name="other")])
    manifest = write("A x", "B x")
    before = store.everything()
    with pytest.raises(PathTakenError, match=r"B-0\.png"):
        apply(database, [manifest])
    assert store.everything() == before


def test_jobs_that_rows_share_are_asked_for_and_never_pruned(database, store, write):
    manifest = write("A x", "B x")
    apply(database, [manifest])
    (applied,) = apply(database, [write("B x", "A x")], prune=True)
    assert (applied.pruned, applied.others.jobs) == (0, 0)
    assert store.jobs() == {"pending": 1}
