"""Whose unknown tasks are: the rules of `matching`, one by one, and what holds for all of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.actions.reconciling.matching import match_tasks
from orchestrator.ports import Prediction, Status
from orchestrator.store.doubts.adoption import PendingJob

MODEL = "m/one"
HOSTED = "https://in.example/a.png"


def task(name: str, inputs: dict[str, Any] | None = None, model: str | None = MODEL) -> Prediction:
    return Prediction(name, Status.COMPLETED, "completed", model=model, inputs=inputs)


def job(
    number: int, prompt: str, *, hosted: bool = True, model: str = MODEL, waits: bool = True
) -> PendingJob:
    params = {"prompt": prompt, "images": ["a.png"]}
    inputs = {"prompt": prompt, "images": [HOSTED]} if hosted else None
    certain = inputs or {"prompt": prompt}
    return PendingJob(
        job_id=number,
        model=model,
        waits=waits,
        params=params,
        local_images={"a.png": "0" * 64},
        path=f"{number}.png",
        inputs=inputs,
        certain=certain,
    )


def asked(prompt: str, url: str = HOSTED) -> dict[str, Any]:
    return {"prompt": prompt, "images": [url], "added_by_the_provider": 1}


def sorted_ids(found):
    return (
        {one.id: number for one, number in found.adopted},
        {one.task.id: one.jobs for one in found.possible},
    )


def test_a_picture_on_disk_says_whose_task_it_is_even_where_the_list_says_nothing():
    found = match_tasks([task("t")], [job(1, "x"), job(2, "x")], {2: "t"}, inputs_trusted=False)
    assert sorted_ids(found) == ({"t": 2}, {})


def test_a_task_that_asks_for_the_same_is_the_jobs():
    found = match_tasks([task("t", asked("x"))], [job(1, "y"), job(2, "x")], {}, inputs_trusted=False)
    assert sorted_ids(found) == ({"t": 2}, {})


def test_a_task_whose_picture_another_job_has_on_disk_is_not_given_away_by_its_inputs():
    found = match_tasks([task("t", asked("x"))], [job(1, "x"), job(2, "x")], {2: "t"}, inputs_trusted=True)
    assert sorted_ids(found)[0] == {"t": 2}


def test_a_job_that_is_claimed_and_not_sent_is_named_and_gets_nothing():
    found = match_tasks([task("t", asked("x"))], [job(1, "x", waits=False)], {}, inputs_trusted=True)
    assert sorted_ids(found) == ({}, {"t": (1,)})


def test_no_job_is_named_for_a_task_that_none_can_have_sent_where_the_list_is_trusted():
    found = match_tasks([task("t", asked("z"))], [job(1, "x")], {}, inputs_trusted=True)
    assert sorted_ids(found) == ({}, {"t": ()})


def test_a_list_that_may_rewrite_inputs_rules_no_job_out():
    found = match_tasks([task("t", asked("z"))], [job(1, "x")], {}, inputs_trusted=False)
    assert sorted_ids(found) == ({}, {"t": (1,)})


def test_where_a_picture_was_hosted_is_forgotten_the_rest_of_the_inputs_names_the_jobs():
    jobs = [job(1, "x", hosted=False), job(2, "y", hosted=False)]
    found = match_tasks([task("t", asked("y", "https://in.example/old.png"))], jobs, {}, inputs_trusted=True)
    assert sorted_ids(found) == ({}, {"t": (2,)})


@pytest.mark.parametrize(
    ("model", "possible"), [(MODEL, {"t": (1,)}), (None, {"t": (1,)}), ("m/two", {"t": ()})]
)
def test_a_task_without_inputs_may_be_any_jobs_of_its_model(model, possible):
    found = match_tasks([task("t", None, model)], [job(1, "x")], {}, inputs_trusted=True)
    assert sorted_ids(found)[1] == possible


def test_with_no_job_left_nothing_can_be_bought_again():
    tasks = [task("t"), task("u", asked("x"))]
    assert sorted_ids(match_tasks(tasks, [], {}, inputs_trusted=False)) == ({}, {"t": (), "u": ()})


PROMPTS = st.sampled_from("xyz")
TASKS = st.lists(
    st.tuples(st.none() | st.builds(asked, PROMPTS), st.sampled_from([MODEL, "m/two", None])), max_size=6
).map(lambda rows: [task(f"t{at}", *row) for at, row in enumerate(rows)])
JOBS = st.lists(st.tuples(PROMPTS, st.booleans(), st.sampled_from([MODEL, "m/two"])), max_size=6).map(
    lambda rows: [job(at, prompt, hosted=hosted, model=m) for at, (prompt, hosted, m) in enumerate(rows)]
)


@given(TASKS, JOBS, st.dictionaries(st.integers(0, 5), st.sampled_from(["t0", "t1", "t2"])), st.booleans())
def test_every_task_ends_once_and_no_job_gets_two(tasks, jobs, kept, trusted):
    found = match_tasks(tasks, jobs, kept, inputs_trusted=trusted)
    adopted, possible = sorted_ids(found)
    assert sorted([*adopted, *possible]) == sorted(one.id for one in tasks)
    assert len(set(adopted.values())) == len(found.adopted) == len(adopted)
    assert not {number for ids in possible.values() for number in ids} & set(adopted.values())
    models = {one.id: one.model for one in tasks}
    wanted = {one.job_id: one.model for one in jobs}
    assert all(models[name] in {None, wanted[number]} for name, number in adopted.items())


@given(TASKS, JOBS, st.booleans())
def test_a_job_that_may_have_bought_a_task_is_named_for_it(tasks, jobs, trusted):
    found = match_tasks(tasks, jobs, {}, inputs_trusted=trusted)
    taken = {number for _, number in found.adopted}
    left = [one for one in jobs if one.job_id not in taken]
    for possible in found.possible:
        task, same_model = possible.task, [one for one in left if possible.task.model in {None, one.model}]
        if task.inputs is None:
            assert bool(possible.jobs) == bool(same_model)
        elif not possible.jobs:
            assert task.inputs["prompt"] not in {one.params["prompt"] for one in same_model}
