"""Storing outputs: a paid picture is not given up while there is a way to get it."""

from dataclasses import replace

import pytest
from support.provider import RenewsUrls
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError, StorageError
from orchestrator.ports import FetchFault, Missing, Prediction, Status
from orchestrator.store.db.schema import attempts
from orchestrator.worker.pipeline.fetch import FRESH_URLS_MAX, FRESH_URLS_SECONDS


def test_a_troubled_download_is_tried_again(harness, world):
    world.run(1)
    harness.artifacts.next_stores.extend([FetchFault.TRANSIENT] * 8)
    harness.drain()
    assert (world.jobs(), len(harness.artifacts.requests)) == ({"succeeded": 1}, 9)
    assert len({request.url for request in harness.artifacts.requests}) == 1


@pytest.mark.parametrize("fault", [FetchFault.GONE, FetchFault.BAD_CONTENT])
def test_an_expired_or_broken_url_is_replaced_by_a_fresh_one(harness, world, fault):
    world.run(1)
    harness.provider = RenewsUrls(harness.clock)
    harness.artifacts.next_stores.append(fault)
    harness.drain()
    first, second = (request.url for request in harness.artifacts.requests)
    assert first != second
    assert world.jobs() == {"succeeded": 1}


def second_picture_is_gone(harness):
    normal = harness.artifacts.store

    async def store(request):
        if "/1.png" in request.url:
            harness.artifacts.next_stores.append(FetchFault.GONE)
        return await normal(request)

    harness.artifacts.store = store


def answers_after_completion(harness, change):
    """The first look at a completed task is answered as it is, later ones as `change` makes them."""
    looked, result = [], harness.provider.result

    async def changed(prediction_id):
        found = await result(prediction_id)
        completed = isinstance(found, Prediction) and found.status is Status.COMPLETED
        looked.extend([found] if completed else [])
        return change(found) if len(looked) > 1 else found

    harness.provider.result = changed


def test_a_404_for_a_completed_task_loses_no_output(harness, world):
    """The provider answers so for tasks that exist, too."""
    world.run(1)
    harness.artifacts.next_stores.extend([FetchFault.GONE] * 4)
    answers_after_completion(harness, lambda _found: Missing("no such prediction"))
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_an_output_whose_task_was_deleted_fails_its_job_and_says_so(harness, world):
    world.run(1, images=2, price=2 * PRICE)
    second_picture_is_gone(harness)
    answers_after_completion(harness, lambda found: replace(found, status=Status.DELETED))
    harness.drain()
    assert (world.jobs(), [row.state for row in world.outputs(1)]) == ({"failed": 1}, ["stored", "lost"])
    assert world.account() == (2 * PRICE, 0, 0)
    assert len(harness.provider.posts) == 1


def test_a_delivery_that_is_out_for_minutes_loses_nothing(harness, world):
    """A server goes on by itself; somebody who waits is told after ten minutes, and the next drain goes
    on."""
    world.run(1, images=2, price=2 * PRICE)
    harness.provider = RenewsUrls(harness.clock)
    normal = harness.artifacts.store
    second_picture_is_gone(harness)
    with pytest.raises(OperatorNeededError, match="cannot be downloaded"):
        harness.drain(limit_seconds=3600)
    assert world.attempts() == {"fetching": 1}
    harness.artifacts.store = normal
    harness.artifacts.next_stores.clear()
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)


def test_urls_that_bring_nothing_for_long_are_lost_in_the_end(harness, world):
    world.run(1, images=2, price=2 * PRICE)
    harness.provider = RenewsUrls(harness.clock)
    second_picture_is_gone(harness)
    harness.run_for(FRESH_URLS_SECONDS + 600)
    assert world.jobs() == {"failed": 1}
    assert sum("/1.png" in request.url for request in harness.artifacts.requests) > FRESH_URLS_MAX


def test_urls_that_bring_nothing_are_lost_in_the_end_also_for_workers_that_only_drain(harness, world):
    world.run(1, images=2, price=2 * PRICE)
    harness.provider = RenewsUrls(harness.clock)
    second_picture_is_gone(harness)
    with pytest.raises(OperatorNeededError, match="cannot be downloaded"):
        harness.drain(limit_seconds=3600)
    harness.clock.advance(3600)
    harness.drain(limit_seconds=3600)
    assert world.jobs() == {"failed": 1}


def test_a_picture_whose_folder_cannot_be_used_is_kept_right_under_the_root(harness, world):
    """It is paid for; a link that leads out, or a file where the folder should be, must not cost it."""
    world.run(1)
    planned = world.outputs(1)[0].path
    harness.artifacts.next_stores.extend([FetchFault.COLLISION] * 2)
    harness.drain()
    kept = world.outputs(1)[0].stored_path
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert kept != planned
    assert "/" not in kept


def test_a_foreign_file_of_the_same_name_is_kept_beside(harness, world):
    world.run(1)
    path = world.outputs(1)[0].path
    harness.artifacts.files[path] = "somebody else's"
    harness.drain()
    (stored,) = [row.stored_path for row in world.outputs(1)]
    assert stored != path
    assert stored.endswith("~1.png")
    assert harness.artifacts.files[path] == "somebody else's"


def test_a_full_disk_stops_buying_and_a_drain_says_why(harness, world):
    world.run(5)
    harness.change("limits", concurrency=1)
    normal = harness.artifacts.store

    async def store(request):
        harness.artifacts.unwritable = "The disk is full."
        return await normal(request)

    harness.artifacts.store = store
    with pytest.raises(StorageError, match="The disk is full"):
        harness.drain(limit_seconds=600)
    assert harness.pauses() == {"storage"}
    assert len(harness.provider.posts) < 5
    assert world.attempts()["fetching"] >= 1


def test_what_a_full_disk_left_is_stored_once_there_is_room(harness, world):
    world.run(1)
    harness.artifacts.next_stores.extend([FetchFault.STORAGE] * 3)
    harness.run_for(120)
    assert (world.jobs(), harness.pauses()) == ({"succeeded": 1}, set())


def test_an_unwritable_folder_is_noticed_before_anything_is_bought(harness, world):
    world.run(1)
    harness.artifacts.unwritable = "outputs/ is read-only."
    with pytest.raises(StorageError, match=r"read-only.*Nothing was sent"):
        harness.drain()
    assert harness.provider.posts == []


def test_downloads_at_once_are_bounded(harness, world):
    world.run(20)
    harness.change("limits", downloads=3)
    now, most = [], []
    normal = harness.artifacts.store

    async def store(request):
        now.append(request)
        most.append(len(now))
        await harness.clock.sleep(5.0)
        now.remove(request)
        return await normal(request)

    harness.artifacts.store = store
    harness.drain()
    assert (world.jobs(), max(most)) == ({"succeeded": 20}, 3)


def test_the_sidecar_tells_where_a_picture_came_from(harness, world):
    world.run(1)
    harness.drain()
    (request,) = harness.artifacts.requests
    assert request.sidecar["prediction_id"] == world.rows(attempts)[0].prediction_id
    assert request.sidecar["price_micros"] == PRICE
