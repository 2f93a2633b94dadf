"""The stand-in of a rehearsal ends with its command; the next one knows the tasks that were under way."""

from support.world import PRICE, spec

from orchestrator.app import _remind
from orchestrator.core.specs import PICTURE
from orchestrator.sandbox import Recalled, SandboxConfig, SandboxThread
from orchestrator.store.db.schema import attempts


def test_a_new_stand_in_knows_what_was_under_way_and_nothing_else(sqlite_world):
    world = sqlite_world
    world.apply([spec(1), spec(2)])
    held = world.lease("w1")
    world.send(held)
    world.accept(held, worker="w1")
    world.lease("w1")
    with SandboxThread(SandboxConfig()) as stand_in:
        _remind(stand_in, world.database)
        _remind(stand_in, world.database)
        (task,) = stand_in.bill().tasks
    assert (task.id, task.price_micros) == (world.rows(attempts)[0].prediction_id, PRICE)


def test_what_a_stand_in_cannot_have_accepted_is_not_recalled():
    odd = Recalled("a", "nobody/knows", {}, price_micros=1)
    bare = Recalled("b", "kwaivgi/kling-image-o3/edit", {}, price_micros=1)
    whole = Recalled("c", bare.model, {"prompt": "x", "images": [PICTURE]}, price_micros=28_000)
    with SandboxThread(SandboxConfig()) as stand_in:
        stand_in.recall([odd, bare, whole])
        assert [task.id for task in stand_in.bill().tasks] == ["c"]
