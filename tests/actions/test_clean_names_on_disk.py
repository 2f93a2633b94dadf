"""What a move finds on the disk: files of others, changed, missing, of one name but for capitals, alike."""

import pytest
from support.studio import Studio, digest

from orchestrator.store.attempts import endings
from orchestrator.store.attempts import outputs as pictures
from orchestrator.store.db.schema import events, outputs
from orchestrator.store.runs import jobs as operations

MUG = "shop/mug.png"


@pytest.fixture
def studio(sqlite_world, tmp_path):
    return Studio(sqlite_world, tmp_path / "outputs")


def test_a_file_that_somebody_has_changed_is_kept_beside_and_told(studio):
    first = studio.edited("old", b"old")
    (studio.root / MUG).write_bytes(b"retouched")
    studio.edited("new", b"new")
    done = studio.move()
    assert studio.disk() == {MUG: b"new", "shop/mug~changed-1.png": b"retouched"}
    assert done.aside == [(MUG, "shop/mug~changed-1.png")]
    told = [row.message for row in studio.world.rows(events) if row.kind == "kept_aside"]
    assert told == [f"{MUG} was not as it was stored: that file is shop/mug~changed-1.png now"]
    rows = {row.job_id: row.stored_path for row in studio.world.rows(outputs)}
    assert rows[first] == f"shop/.superseded/mug~{first}-1.png"  # where `outputs check --fetch` puts it again


def test_a_file_that_was_never_ours_stays_where_it_is(studio):
    (studio.root / "shop").mkdir()
    (studio.root / MUG).write_bytes(b"theirs")
    first = studio.plan("old", MUG)
    held = studio.world.lease()
    studio.world.send(held)
    studio.world.accept(held)
    studio.world.complete(held)

    beside = studio.put(f"shop/mug~{first}.png", b"old", first)
    row = pictures.Finish(attempt_id=held.attempt_id, epoch=held.epoch, stored=((0, beside),), expected=1)
    studio.world.do(endings.finish, row)
    second = studio.edited("new", b"new")
    studio.move()
    assert studio.disk()[MUG] == b"theirs"
    assert b"new" in studio.disk().values()
    studio.judge(first, "accepted")
    studio.move()
    assert studio.disk() == {
        MUG: b"theirs",
        f"shop/mug~{first}.png": b"old",
        f"shop/.superseded/mug~{second}-1.png": b"new",
    }
    assert studio.waits() == []
    studio.agrees()


def test_a_host_without_the_files_leaves_the_move_to_one_that_has_them(studio, tmp_path):
    studio.edited("old", b"old")
    studio.edited("new", b"new")
    here, elsewhere = studio.root, tmp_path / "elsewhere"
    elsewhere.mkdir()
    studio.root = elsewhere
    assert studio.move().waiting == 1
    assert studio.disk() == {}
    studio.root = here
    assert studio.move().waiting == 0
    assert studio.disk()[MUG] == b"new"
    studio.agrees()


def test_names_that_differ_by_capitals_alone_are_one_cell(studio):
    first = studio.edited("old", b"old", "shop/Mug.png")
    studio.edited("new", b"new", "shop/mug.png")
    studio.move()
    assert studio.disk() == {MUG: b"new", f"shop/.superseded/Mug~{first}-1.png": b"old"}
    studio.agrees()


def test_two_pictures_with_the_same_bytes_are_two_files(studio):
    first = studio.edited("old", b"same")
    studio.edited("new", b"same")
    studio.move()
    aside = f"shop/.superseded/mug~{first}-1.png"
    assert studio.disk() == {MUG: b"same", aside: b"same"}
    assert not (studio.root / MUG).samefile(studio.root / aside)
    assert studio.rows() == {MUG: digest(b"same"), aside: digest(b"same")}


def test_a_retried_job_s_earlier_picture_gives_the_name_to_the_later_one(studio):
    job_id = studio.plan("one", "a-0.png", "a-1.png")
    held = studio.world.lease()
    studio.world.send(held)
    studio.world.accept(held)
    studio.world.complete(held, urls=2)

    row = pictures.Finish(
        attempt_id=held.attempt_id,
        epoch=held.epoch,
        stored=((0, studio.put("a-0.png", b"first", job_id)),),
        lost=((1, "gone"),),
        expected=2,
    )
    studio.world.do(endings.finish, row)
    with studio.world.database.write() as tx:
        operations.retry(tx, [job_id])
    studio.make(job_id, b"second", b"other")
    studio.move()
    assert studio.disk() == {
        "a-0.png": b"second",
        "a-1.png": b"other",
        f".superseded/a-0~{job_id}-1.png": b"first",
    }
    studio.agrees()


def test_a_name_is_given_up_for_a_picture_that_takes_it_and_never_for_none(studio):
    first = studio.edited("old", b"old")
    second = studio.edited("new", b"new")
    studio.move()
    (studio.root / f"shop/.superseded/mug~{first}-1.png").unlink()
    studio.judge(first, "accepted")
    assert studio.move().waiting == 1
    assert studio.disk() == {MUG: b"new"}
    studio.judge(first, None)
    studio.move()
    assert (studio.waits(), studio.rows()[MUG]) == ([], digest(b"new"))
    assert second > first
