"""Selectors of jobs that name nothing are errors; those that meet in nothing are none."""

import pytest
from support.world import run_spec, spec

from orchestrator.core.errors import NotFoundError
from orchestrator.store.runs import adding, runs
from orchestrator.store.views.jobs.job_names import require_named
from orchestrator.store.views.jobs.walk import JobFilter


@pytest.fixture
def tagged(world):
    """Two waiting jobs of one run, of which one has the tag client=acme and the other none."""
    with world.database.write() as tx:
        stored = runs.ensure_run(tx, run_spec(campaign="spring", name="hero", run_key="main"))
        adding.add_jobs(tx, stored, [spec(0, tags={"client": "acme"}), spec(1, tags={})])
    return world


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (JobFilter(campaign="sprig"), 'there are: spring; did you mean "spring"'),
        (JobFilter(run="mein"), "There is no run 'mein'; there are: spring/hero/main"),
        (JobFilter(ids=(1, 99)), "no job 99"),
        (JobFilter(tags={"client": "acne"}), "the tag client 'acne'; there are: acme"),
        (JobFilter(tags={"owner": "acme"}), "There is no tag 'owner'; there are: client"),
        (JobFilter(reason="moderated"), "the reason 'moderated'; there is none at all"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(tagged, wanted, words):
    with tagged.database.read() as tx, pytest.raises(NotFoundError) as caught:
        require_named(tx, wanted)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "wanted",
    [
        JobFilter(),
        JobFilter(campaign="spring", run="hero", tags={"client": "acme"}),
        JobFilter(run="spring/hero/main"),
        JobFilter(states=("failed",), campaign="spring"),
        JobFilter(states=("failed",), tags={"client": "acme"}),
        JobFilter(ids=(2,), tags={"client": "acme"}),
    ],
)
def test_selectors_that_each_name_something_pass_also_when_they_meet_in_nothing(tagged, wanted):
    with tagged.database.read() as tx:
        require_named(tx, wanted)
