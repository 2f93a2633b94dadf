"""Applying manifests: all is checked before anything is written, and what was checked is what is written."""

import tempfile

import pytest
from sqlalchemy import func, select
from support.world import World, spec

from orchestrator.actions.planning.apply import apply
from orchestrator.actions.planning.plan import plan
from orchestrator.actions.planning.walking import walk
from orchestrator.actions.planning.walking.path_register import SharedPathsError
from orchestrator.actions.planning.writing.spool import Spool
from orchestrator.core.errors import UsageError
from orchestrator.manifest import load_manifest
from orchestrator.settings import load_settings
from orchestrator.store.account import workers
from orchestrator.store.db.schema import job_specs, jobs, outputs
from orchestrator.store.db.schema import runs as run_table
from orchestrator.store.runs.new_jobs import encode
from orchestrator.store.runs.output_paths import PathTakenError
from orchestrator.yamlio import ProblemsError

MANIFEST = """\
version: 1
name: {name}
campaign: sale
model: kwaivgi/kling-image-o3/edit
matrix:
  product: {{csv: rows.csv}}
params:
  prompt: "{{{{ product.title }}}}"
  images: ["https://example.com/a.png"]
output: "{output}{{{{ product.sku }}}}-{{{{ index }}}}.{{{{ ext }}}}"
"""


class Interrupted(BaseException):
    """The process dies here."""


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(walk, "CHUNK", 3)


@pytest.fixture
def write(tmp_path):
    """Writes a table with as many rows and a manifest over it, and loads that."""

    def written(rows=8, name="hero", output="", titles=None, run_key=None):
        titles = titles or [f"Product {number}" for number in range(rows)]
        lines = [f"SKU-{number},{title}\n" for number, title in enumerate(titles)]
        (tmp_path / "rows.csv").write_text("sku,title\n" + "".join(lines))
        file = tmp_path / f"{name}.yaml"
        file.write_text(MANIFEST.format(name=name, output=output))
        return load_manifest(file, today="2026-11-22", run_key=run_key)

    return written


def count(database, table):
    with database.read() as tx:
        return tx.conn.execute(select(func.count()).select_from(table)).scalar_one()


def test_every_job_has_its_three_rows_and_ids_rise_in_written_order(database, write):
    (applied,) = apply(database, [write(8)])
    assert (applied.new, applied.existing, applied.cost_micros) == (8, 0, 8 * 28_000)
    with database.read() as tx:
        rows = tx.conn.execute(select(jobs.c.id, jobs.c.ordinal).order_by(jobs.c.id)).all()
    assert [row.ordinal for row in rows] == list(range(8))
    assert count(database, job_specs) == count(database, outputs) == 8


def test_applying_again_writes_no_row(database, write):
    apply(database, [write(8)])
    (again,) = apply(database, [write(8)])
    assert (again.new, again.existing, again.cost_micros) == (0, 8, 8 * 28_000)


def test_a_problem_in_the_last_row_means_that_nothing_is_written(database, write):
    manifest = write(titles=[*(f"Product {number}" for number in range(7)), '" "'])
    with pytest.raises(ProblemsError, match="row 9 of rows.csv"):
        apply(database, [manifest])
    assert count(database, run_table) == count(database, jobs) == 0


def test_a_path_of_another_manifest_in_the_last_chunk_means_that_nothing_is_written(database, write):
    apply(database, [write(1)])
    other = write(8, name="other")
    with pytest.raises(PathTakenError):
        apply(database, [other])
    assert count(database, jobs) == 1


def test_two_manifests_of_one_command_that_share_a_path_are_both_refused(database, write):
    with pytest.raises(SharedPathsError, match="SKU-0-0.png is written by sale/hero and by sale/other"):
        apply(database, [write(8), write(8, name="other")])
    assert count(database, jobs) == 0


def test_two_runs_of_one_manifest_in_one_command_keep_both_pictures(database, write):
    first, second = apply(database, [write(4, run_key="monday"), write(4, run_key="tuesday")])
    assert (first.new, second.new, len(second.renamed)) == (4, 4, 4)


def test_what_was_checked_is_what_is_written_although_the_table_changes_meanwhile(open_database, write):
    manifest = write(8)

    def change(point):
        if point == "db.before_commit":
            write(8, titles=["changed"] * 8)

    apply(open_database(crashpoint=change), [manifest])
    with open_database().read() as tx:
        prompts = {params["prompt"] for params in tx.conn.execute(select(job_specs.c.params)).scalars()}
    assert prompts == {f"Product {number}" for number in range(8)}


def test_an_apply_that_dies_half_way_is_completed_by_the_next(open_database, write):
    commits = []

    def die(point):
        if point == "db.before_commit":
            commits.append(point)
            if len(commits) == 4:  # the run, two chunks, and not the third
                raise Interrupted

    with pytest.raises(Interrupted):
        apply(open_database(crashpoint=die), [write(8)])
    database = open_database()
    assert count(database, jobs) == count(database, outputs) == 6
    (applied,) = apply(database, [write(8)])
    assert (applied.new, applied.existing) == (2, 6)
    assert count(database, jobs) == count(database, job_specs) == count(database, outputs) == 8


def test_a_run_that_somebody_else_applies_between_check_and_write_has_each_job_once(open_database, write):
    other = open_database()
    done = []

    def quicker(point):
        if (
            point == "db.after_commit" and not done
        ):  # the run is there, its jobs are checked and not yet written
            done.append(point)
            apply(other, [write(5)])

    (applied,) = apply(open_database(crashpoint=quicker), [write(8)])
    assert (applied.new, applied.existing) == (3, 5)
    assert count(other, jobs) == count(other, outputs) == 8


def test_a_plan_and_the_apply_after_it_count_alike(database, write, tmp_path):
    apply(database, [write(3)])
    settings = load_settings(None, {}, tmp_path)
    (row,) = plan([write(8)], settings, database).manifests
    assert (row.jobs, row.new, row.existing, row.waiting, row.cost_micros) == (8, 5, 3, 3, 5 * 28_000)
    (applied,) = apply(database, [write(8)])
    assert (applied.new, applied.existing) == (row.new, row.existing)


def test_a_worker_beside_an_apply_gets_its_turn_between_the_chunks(open_database, write, clock, entropy):
    world = World(open_database(), clock, entropy)
    claimed = []

    def work(point):
        if point == "db.after_commit":
            claimed.extend(world.claim(1))

    apply(open_database(crashpoint=work), [write(8)])
    assert len(claimed) == 3


@pytest.mark.parametrize(
    ("seen", "stopped", "turns"), [(None, False, 0), (0, False, 3), (0, True, 0), (61_000, False, 0)]
)
def test_apply_gives_way_between_chunks_while_a_worker_lives(
    database, write, clock, monkeypatch, seen, stopped, turns
):
    given = []
    monkeypatch.setattr(type(database), "give_way", lambda _self: given.append(1))
    if seen is not None:
        with database.write() as tx:
            workers.register(tx, workers.WorkerRow("w1", "here", 1))
            if stopped:
                workers.stopped(tx, "w1")
        clock.advance_ms(seen)
    apply(database, [write(8)])
    assert len(given) == turns


def test_a_spool_gives_back_what_was_put_in():
    rows = [encode(spec(number, images=2, tags={"client": "caf\u00e9"})) for number in range(5)]
    with Spool() as spool:
        spool.put(rows[:3])
        spool.put(rows[3:])
        assert list(spool.chunks()) == [rows[:3], rows[3:]]
        assert [job for chunk in spool.chunks() for job in chunk] == rows


def test_a_full_temporary_folder_is_told_with_the_way_out(monkeypatch):
    with Spool() as spool:
        monkeypatch.setattr(tempfile, "gettempdir", lambda: "/tmp/full")
        spool._file.close()
        spool._file = open("/dev/full", "wb", buffering=0)  # noqa: PTH123, SIM115
        with pytest.raises(UsageError, match="TMPDIR"):
            spool.put([encode(spec(0))])
