"""An attempt that completed: its price, its files, what was lost."""

from support.world import PRICE

from orchestrator.core.states import AttemptState
from orchestrator.ports import DiscardedArtifact
from orchestrator.store.attempts import endings, lifecycle, outputs


def test_completing_answers_what_to_store_and_where(world):
    world.run(1, images=2)
    held = world.until(AttemptState.IN_FLIGHT)
    expected = world.complete(held, urls=2)
    assert [(item.index, item.url[-5:], item.nsfw, item.sha256) for item in expected] == [
        (0, "0.png", None, None),
        (1, "1.png", None, None),
    ]
    assert [row.state for row in world.outputs(held.job_id)] == ["expected", "expected"]
    with world.database.read() as tx:
        assert outputs.expected(tx, held.attempt_id) == expected


def test_finishing_settles_the_price_and_records_every_file(world):
    world.run(1, images=2)
    held = world.until(AttemptState.IN_FLIGHT)
    world.complete(held, urls=2)
    assert world.finish(held, 2, expected=2)
    job, attempt = world.job(held), world.attempt(held)
    assert (job.state, job.cost_micros, job.reason) == ("succeeded", PRICE, None)
    assert (attempt.state, attempt.reservation, attempt.cost_micros) == ("succeeded", "settled", PRICE)
    assert [(row.state, row.stored_path, row.width) for row in world.outputs(held.job_id)] == [
        ("stored", f"stored/{held.job_id}-{index}.png", 64) for index in range(2)
    ]
    assert world.account() == (PRICE, 0, 0)
    world.check_money()


def test_flags_are_kept_apart_when_true_false_or_unknown(world):
    world.run(1, images=3)
    held = world.until(AttemptState.IN_FLIGHT)
    flagged = tuple(zip(("https://a/0", "https://a/1", "https://a/2"), (True, False, None), strict=True))
    world.do(
        lifecycle.complete,
        lifecycle.Complete(
            attempt_id=held.attempt_id,
            epoch=held.epoch,
            status="completed",
            outputs=flagged,
            inference_ms=None,
        ),
    )
    assert [row.nsfw for row in world.outputs(held.job_id)] == [True, False, None]


def test_fewer_outputs_than_asked_is_a_success_that_says_so(world):
    world.run(1, images=2)
    held = world.until(AttemptState.IN_FLIGHT)
    world.complete(held, urls=1)
    assert world.finish(held, 1, expected=2)
    job = world.job(held)
    assert (job.state, job.reason, job.message) == ("succeeded", "fewer_outputs", "1 of 2 outputs came back")
    assert [row.state for row in world.outputs(held.job_id)] == ["stored", "absent"]


def test_more_outputs_than_asked_are_all_kept(world):
    world.run(1, images=1)
    held = world.until(AttemptState.IN_FLIGHT)
    expected = world.complete(held, urls=3)
    paths = [item.path for item in expected]
    assert len(set(paths)) == 3
    assert all(str(held.job_id) in path for path in paths[1:])
    assert world.finish(held, 3, expected=1)
    assert [row.state for row in world.outputs(held.job_id)] == ["stored"] * 3


def test_an_output_lost_for_good_fails_the_job_and_its_price_is_spent(world):
    world.run(1, images=2)
    held = world.until(AttemptState.IN_FLIGHT)
    world.complete(held, urls=2)
    assert world.finish(held, 1, expected=2, lost=((1, "it has expired"),))
    job = world.job(held)
    assert (job.state, job.reason, job.cost_micros) == ("failed", "output_lost", PRICE)
    assert job.message == "output 1: it has expired"
    assert [row.state for row in world.outputs(held.job_id)] == ["stored", "lost"]
    assert world.account() == (PRICE, 0, 0)
    world.check_money()


def test_a_discarded_picture_keeps_its_digest_and_no_path(world):
    world.run(1)
    held = world.until(AttemptState.FETCHING)
    gone = DiscardedArtifact(sha256="b" * 64, bytes=10, media_type="image/png", width=1, height=1)
    assert world.do(
        endings.finish,
        outputs.Finish(
            attempt_id=held.attempt_id, epoch=held.epoch, stored=((0, gone),), lost=(), expected=1
        ),
    )
    (row,) = world.outputs(held.job_id)
    assert (row.state, row.sha256, row.stored_path) == ("discarded", "b" * 64, None)
