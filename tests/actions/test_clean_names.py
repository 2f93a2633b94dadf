"""The clean name of a picture belongs to the chosen try of its cell; no picture is ever lost by a move."""

import pytest
from support.breaking import CutAt, DiesInMove
from support.signed import SIGNED
from support.studio import Studio
from support.world import spec

from orchestrator.actions.choosing.verdicts import give
from orchestrator.actions.reconciling.pictures_check import check_pictures
from orchestrator.artifacts.shelf import FolderShelf
from orchestrator.core.errors import UsageError
from orchestrator.core.verdicts import JobVerdict
from orchestrator.store.attempts import endings
from orchestrator.store.choosing import owning
from orchestrator.store.db.schema import outputs
from orchestrator.store.runs import jobs as operations
from orchestrator.store.stops.attention import NAMES_WAITING, attention
from orchestrator.store.views.jobs.jobs import list_jobs
from orchestrator.store.views.jobs.walk import JobFilter

MUG = "shop/mug.png"


@pytest.fixture
def studio(sqlite_world, tmp_path):
    return Studio(sqlite_world, tmp_path / "outputs")


@pytest.fixture
def everywhere(world, tmp_path):
    """On each kind of database."""
    return Studio(world, tmp_path / "outputs")


def test_the_picture_of_an_edited_manifest_takes_the_clean_name(everywhere):
    studio = everywhere
    first = studio.edited("old", b"old")
    studio.edited("new", b"new")
    assert studio.disk()[MUG] == b"old"  # not before its own file is durable
    studio.move()
    assert studio.disk() == {MUG: b"new", f"shop/.superseded/mug~{first}-1.png": b"old"}
    assert studio.waits() == []
    studio.agrees()


def test_the_rows_say_whose_the_clean_name_is(studio):
    first = studio.edited("old", b"old")
    second = studio.edited("new", b"new")
    studio.move()
    rows = {row.job_id: row for row in studio.world.rows(outputs)}
    assert (rows[second].path, rows[second].clean_path, rows[second].stored_path) == (MUG, None, MUG)
    aside = f"shop/.superseded/mug~{first}-1.png"
    assert (rows[first].path, rows[first].clean_path, rows[first].stored_path) == (aside, MUG, aside)
    assert rows[first].clean_key == rows[second].path_key


def test_a_third_try_takes_it_from_the_second_and_another_run_key_is_a_try_too(studio):
    first = studio.edited("old", b"1")
    second = studio.edited("new", b"2")
    studio.move()
    studio.edited("new", b"3", run_key="again")
    studio.move()
    assert studio.disk() == {
        MUG: b"3",
        f"shop/.superseded/mug~{first}-1.png": b"1",
        f"shop/.superseded/mug~{second}-1.png": b"2",
    }
    studio.agrees()


def test_acceptance_moves_the_name_back_and_rejection_forward(everywhere):
    studio = everywhere
    first, second = studio.edited("old", b"old"), studio.edited("new", b"new")
    studio.move()
    for verdict, holder in (("accepted", b"old"), (None, b"new"), ("rejected", b"new")):
        studio.judge(first, verdict)
        studio.move()
        assert studio.disk()[MUG] == holder
        studio.agrees()
    studio.judge(first, None)
    studio.judge(second, "rejected")
    studio.move()
    assert studio.disk()[MUG] == b"old"
    studio.agrees()


def test_a_new_try_does_not_take_the_name_from_an_accepted_one(studio):
    studio.judge(studio.edited("old", b"old"), "accepted")
    second = studio.edited("new", b"new")
    studio.move()
    assert studio.disk() == {MUG: b"old", f"shop/.superseded/mug~{second}-1.png": b"new"}
    studio.agrees()


def test_each_picture_of_a_job_is_a_cell_of_its_own(studio):
    paths = ("shop/a-0.png", "shop/a-1.png")
    for wording, contents in (("old", (b"0", b"1")), ("new", (b"2", b"3"))):
        job_id = studio.plan(wording, *paths)
        studio.make(job_id, *contents)
    studio.move()
    assert [studio.disk()[path] for path in paths] == [b"2", b"3"]
    assert len(studio.disk()) == 4
    studio.agrees()


def test_a_flagged_picture_stays_in_quarantine_and_takes_the_name_from_nobody(studio):
    first = studio.edited("old", b"old")
    second = studio.plan("new", MUG)
    studio.make(second, b"flagged", flagged=True)
    studio.move()
    before = studio.disk()
    assert before[MUG] == b"old"
    assert studio.waits() == []
    studio.judge(first, "rejected")
    studio.judge(second, "accepted")
    studio.move()
    assert studio.disk() == before


def test_an_earlier_job_that_never_came_gives_up_the_name_and_may_still_come(studio):
    first = studio.plan("old", MUG)
    with studio.world.database.write() as tx:
        operations.cancel(tx, [first])
    studio.edited("new", b"new")
    studio.move()
    assert studio.disk() == {MUG: b"new"}
    with studio.world.database.write() as tx:
        operations.retry(tx, [first])
    studio.make(first, b"old")
    studio.move()
    assert studio.disk() == {MUG: b"new", f"shop/.superseded/mug~{first}.png": b"old"}
    studio.agrees()


def test_a_name_is_left_alone_while_a_worker_is_about_to_write_a_file_there(studio):
    first = studio.plan("old", MUG)
    row = studio.make(first, b"old", finish=False)  # its worker knows its path, and has not recorded it yet
    second = studio.edited("new", b"new")
    studio.move()
    assert studio.disk()[MUG] == b"old"

    assert studio.world.do(endings.finish, row)
    studio.move()
    assert studio.disk() == {MUG: b"new", f"shop/.superseded/mug~{first}-1.png": b"old"}
    assert second > first
    studio.agrees()


def test_another_manifest_does_not_share_a_name(studio):
    studio.edited("old", b"old")
    with pytest.raises(UsageError, match="belong to another manifest"):
        studio.world.apply([spec(1, prefix="new", output_paths=(MUG,))], name="other")


def test_rows_made_again_from_files_say_whose_the_clean_name_is(studio):
    """A rebuild plans the first picture that it finds under the clean name, whichever lies there."""
    first, second = studio.edited("old", b"old"), studio.edited("new", b"new")
    aside = f"shop/.superseded/mug~{first}-1.png"
    with studio.world.database.write() as tx:
        for job_id, place in ((first, aside), (second, MUG)):
            tx.conn.execute(outputs.update().where(outputs.c.job_id == job_id).values(stored_path=place))
        owning.own_what_lies_there(tx, second)
        owning.own_what_lies_there(tx, second)  # once more changes nothing
    rows = {row.job_id: (row.path, row.clean_path) for row in studio.world.rows(outputs)}
    assert rows == {first: (aside, MUG), second: (MUG, None)}


def test_a_listing_says_which_picture_is_superseded_and_by_which_job(studio):
    first, second = studio.edited("old", b"old"), studio.edited("new", b"new")
    studio.move()
    with studio.world.database.read() as tx:
        jobs = {job.id: job for job in list_jobs(tx, JobFilter())}
    assert (jobs[first].superseded_by, jobs[second].superseded_by) == (second, None)
    assert jobs[first].outputs[0].superseded_by == second
    assert (jobs[second].outputs[0].superseded_by, jobs[second].outputs[0].clean_path) == (None, MUG)


def test_a_verdict_moves_the_clean_name_in_its_own_transaction(studio):
    first = studio.edited("old", b"old")
    studio.edited("new", b"new")
    studio.move()
    give(studio.world.database, [first], JobVerdict.ACCEPTED, signed=SIGNED)
    assert len(studio.waits()) == 2
    studio.move([first])
    assert studio.disk()[MUG] == b"old"
    studio.agrees()


def test_what_waits_for_a_name_is_told_with_the_reason(studio):
    studio.edited("old", b"old")
    studio.edited("new", b"new")
    for path in studio.root.glob("shop/mug~*"):
        path.unlink()
    studio.move()
    with studio.world.database.read() as tx:
        (stop,) = attention(tx)
    assert (stop.reason, stop.until) == (NAMES_WAITING, None)
    assert (
        "1 clean name is not that of the chosen picture yet: its file is not in the output folder"
        in stop.message
    )
    assert studio.disk() == {MUG: b"old"}


def test_a_check_does_not_miss_what_a_broken_off_move_has_moved(studio):
    studio.edited("old", b"old")
    studio.edited("new", b"new")
    cut = CutAt("move.moved")
    studio.crashpoint = cut
    with pytest.raises(DiesInMove):
        studio.move()
    done = check_pictures(
        studio.world.database,
        FolderShelf(studio.root),
        JobFilter(),
        tell=lambda finding: pytest.fail(finding.message),
        progress=lambda _number: None,
    )
    assert (done.checked, done.wrong) == (2, 0)
