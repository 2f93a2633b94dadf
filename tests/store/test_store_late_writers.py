"""A group of writes with one that is late."""

from support.artifacts import picture

from orchestrator.core.states import AttemptState
from orchestrator.store.attempts import endings, outputs


def test_a_group_with_one_late_row_moves_the_others(world):
    world.run(3)
    held = [world.until(AttemptState.FETCHING) for _ in range(3)]
    world.finish(held[1])
    rows = [
        outputs.Finish(
            attempt_id=one.attempt_id, epoch=one.epoch, stored=((0, picture()),), lost=(), expected=1
        )
        for one in held
    ]
    with world.database.write() as tx:
        assert endings.finish(tx, rows) == [True, False, True]
    assert world.jobs() == {"succeeded": 3}
    world.check_money()
