"""Two sessions at one gate: who closes it is heeded by the next claim, and of two who open it one does."""

import threading

from support.world import spec

from orchestrator.core.gates import CanaryRules
from orchestrator.store.claiming import claim
from orchestrator.store.db.schema import jobs
from orchestrator.store.runs import gates


def test_a_gate_that_closes_while_workers_claim_is_heeded_by_the_next_claim(world, open_database):
    """On a server two sessions race: the claim waits for the row that closing holds, and sees the gate."""
    specs = [spec(at) for at in range(6)]
    world.apply(specs)
    (run_id,) = {row.run_id for row in world.rows(jobs)}
    other = open_database()
    got: list[int] = []

    def take():
        with other.write() as tx:
            (answer,) = claim.claim(tx, [world.request(worker="w2")])
        got.extend(item.job_id for item in answer.claimed)

    thread = threading.Thread(target=take)
    with world.database.write() as tx:
        assert gates.close_anew(tx, run_id, CanaryRules(2), keys=[specs[4].key], fresh=0)
        thread.start()
        thread.join(0.3)
        assert got == []
    thread.join()
    assert got == [world.rows(jobs)[4].id]


def test_two_who_approve_at_once_are_told_apart(world, open_database):
    run = world.run(2)
    with world.database.write() as tx:
        gates.close_new(tx, run.id)
    other = open_database()
    answers: list[bool] = []

    def second():
        with other.write() as tx:
            answers.append(gates.open_gate(tx, run.id, "approved by bob"))

    thread = threading.Thread(target=second)
    with world.database.write() as tx:
        answers.append(gates.open_gate(tx, run.id, "approved by ada"))
        thread.start()
        thread.join(0.2)
    thread.join()
    assert answers == [True, False]
