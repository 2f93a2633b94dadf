"""A task that nobody remembers becomes the attempt of a job that waits for just that, on each kind of
database."""

from orchestrator.store.db.schema import attempts
from orchestrator.store.doubts import adoption


def test_an_adopted_task_is_an_attempt_beside_those_that_were_claimed(world):
    world.run(3)
    (claimed,) = world.claim(1)
    (pending, other) = sorted({1, 2, 3} - {claimed.job_id})
    with world.database.write() as tx:
        assert adoption.assign(tx, pending, "task", status="created", token="token", timezone="UTC")
    (after,) = world.claim(1)
    assert after.job_id == other
    rows = {row.id: (row.job_id, row.prediction_id) for row in world.rows(attempts)}
    assert rows == {1: (claimed.job_id, None), 2: (pending, "task"), 3: (other, None)}
