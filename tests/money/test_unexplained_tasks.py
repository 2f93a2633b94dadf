"""Which tasks of the list are explained by requests that nobody answered."""

from support.world import MODEL

from orchestrator.core.evidence import inputs_digest
from orchestrator.ports import Prediction, Status
from orchestrator.store.doubts.doubts import Unanswered
from orchestrator.worker.guards.unknown_tasks import unexplained


def test_what_an_unanswered_request_may_have_created_is_no_gap_but_one_task_for_each():
    def task(name, at):
        return Prediction(name, Status.RUNNING, "created", created_at_ms=at, model=MODEL)

    def gap(tasks, model=MODEL):
        return [
            item.id
            for item in unexplained(tasks, [(Unanswered(model, 1_000_000), 1_130_000)], inputs_trusted=False)
        ]

    assert gap([task("a", 1_000_500)]) == []
    assert gap([task("a", 1_000_500), task("b", 1_000_600)]) == ["b"]
    assert gap([task("old", 0)]) == ["old"]
    assert gap([task("late", 2_000_000)]) == ["late"]
    assert gap([task("a", 1_000_500)], "other/model") == ["a"]


def test_where_the_list_shows_inputs_an_unanswered_request_explains_only_what_it_asked_for():
    asked = {"prompt": "ours"}
    sent = [
        (
            Unanswered(
                model=MODEL, sent_at=1_000_000, digest=inputs_digest(asked, ("prompt",)), keys=("prompt",)
            ),
            1_130_000,
        )
    ]

    def gap(inputs, *, trusted=True):
        task = Prediction("a", Status.RUNNING, "created", created_at_ms=1_000_500, model=MODEL, inputs=inputs)
        return unexplained([task], sent, inputs_trusted=trusted) == [task]

    assert not gap(asked)
    assert gap({"prompt": "another job's"})
    assert not gap({"prompt": "another job's"}, trusted=False)
    assert not gap(None)
