"""Which planned jobs have pictures already that the database has not bought."""

import pytest
from support.world import run_spec, spec

from orchestrator.actions.planning.walking.found_pictures import PicturesHereError, find, here_words, refuse
from orchestrator.ports import KeptPicture


class ListedShelf:
    """Pictures that lie under their planned names, with these sidecars."""

    def __init__(self, *said) -> None:
        self.pictures = {each["paths"][0]: KeptPicture(each["paths"][0], each) for each in said}
        self.looks = 0

    def near(self, planned):
        self.looks += 1
        return [self.pictures[planned]] if planned in self.pictures else []


def said(job, **more):
    """What the sidecar of a job's first picture says."""
    run = {"campaign": "spring", "name": "hero", "run": "main", "database": "other"}
    return {**run, "key": job.key, "paths": list(job.output_paths), "accepted_at_ms": 1_000, **more}


def test_the_same_run_and_the_same_key_are_the_same_picture():
    jobs = [spec(1), spec(2), spec(3)]
    found = find(ListedShelf(said(jobs[0]), said(jobs[1], key="another")), run_spec(), jobs)
    assert (found.jobs, found.pictures, found.taken, found.first) == (1, 1, 1, "hero/1-v1-0.png")


@pytest.mark.parametrize("other", [{"run": "tuesday"}, {"campaign": "autumn"}, {"name": "villain"}])
def test_a_picture_of_another_run_is_another_picture(other):
    found = find(ListedShelf(said(spec(1), **other)), run_spec(), [spec(1)])
    assert (found.jobs, found.taken) == (0, 1)


def test_what_a_worker_buys_at_this_moment_for_a_job_that_waited_is_no_reason_to_stop():
    shelf = ListedShelf(said(spec(1)), said(spec(2), accepted_at_ms=2_000))
    found = find(shelf, run_spec(), [spec(1), spec(2)], accepted_before_ms=2_000)
    assert (found.jobs, found.first) == (1, "hero/1-v1-0.png")


def test_each_planned_name_is_looked_up_once():
    shelf = ListedShelf()
    find(shelf, run_spec(), [spec(number, images=2) for number in range(10)])
    assert shelf.looks == 20


def test_the_words_say_how_many_and_whose():
    found = find(ListedShelf(said(spec(1))), run_spec(), [spec(1), spec(2)])
    assert here_words(found, 2, None).startswith("1 of 2 pictures are here already, made by another database")
    assert "before it was restored" in here_words(found, 2, "other")
    with pytest.raises(PicturesHereError, match=r"db rebuild[^$]*--buy-again"):
        refuse(found, 2, None)
    refuse(find(ListedShelf(), run_spec(), [spec(1)]), 1, None)
