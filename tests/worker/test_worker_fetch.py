"""Storing outputs: a paid picture is not given up while there is a way to get it."""

from dataclasses import replace

import pytest
from support.provider import RenewsUrls
from support.world import PRICE

from orchestrator.core.errors import OperatorNeededError, StorageError
from orchestrator.ports import FetchFault, Missing, Prediction, Status
from orchestrator.store.schema import attempts
from orchestrator.worker.fetch import FRESH_URLS_MAX, FRESH_URLS_SECONDS


def test_a_troubled_download_is_tried_again(shop, world):
    world.run(1)
    shop.artifacts.next_stores.extend([FetchFault.TRANSIENT] * 8)
    shop.drain()
    assert (world.jobs(), len(shop.artifacts.requests)) == ({"succeeded": 1}, 9)
    assert len({request.url for request in shop.artifacts.requests}) == 1


@pytest.mark.parametrize("fault", [FetchFault.GONE, FetchFault.BAD_CONTENT])
def test_an_expired_or_broken_url_is_replaced_by_a_fresh_one(shop, world, fault):
    world.run(1)
    shop.provider = RenewsUrls(shop.clock)
    shop.artifacts.next_stores.append(fault)
    shop.drain()
    first, second = (request.url for request in shop.artifacts.requests)
    assert first != second
    assert world.jobs() == {"succeeded": 1}


def second_picture_is_gone(shop):
    normal = shop.artifacts.store

    async def store(request):
        if "/1.png" in request.url:
            shop.artifacts.next_stores.append(FetchFault.GONE)
        return await normal(request)

    shop.artifacts.store = store


def answers_after_completion(shop, change):
    """The first look at a completed task is answered as it is, later ones as `change` makes them."""
    looked, result = [], shop.provider.result

    async def changed(prediction_id):
        found = await result(prediction_id)
        completed = isinstance(found, Prediction) and found.status is Status.COMPLETED
        looked.extend([found] if completed else [])
        return change(found) if len(looked) > 1 else found

    shop.provider.result = changed


def test_a_404_for_a_completed_task_loses_no_output(shop, world):
    """The provider answers so for tasks that exist, too."""
    world.run(1)
    shop.artifacts.next_stores.extend([FetchFault.GONE] * 4)
    answers_after_completion(shop, lambda _found: Missing("no such prediction"))
    shop.drain()
    assert (world.jobs(), len(shop.provider.posts)) == ({"succeeded": 1}, 1)


def test_an_output_whose_task_was_deleted_fails_its_job_and_says_so(shop, world):
    world.run(1, images=2, price=2 * PRICE)
    second_picture_is_gone(shop)
    answers_after_completion(shop, lambda found: replace(found, status=Status.DELETED))
    shop.drain()
    assert (world.jobs(), [row.state for row in world.outputs(1)]) == ({"failed": 1}, ["stored", "lost"])
    assert world.account() == (2 * PRICE, 0, 0)
    assert len(shop.provider.posts) == 1


def test_a_delivery_that_is_out_for_minutes_loses_nothing(shop, world):
    """A server goes on by itself; somebody who waits is told after ten minutes, and the next drain goes on."""
    world.run(1, images=2, price=2 * PRICE)
    shop.provider = RenewsUrls(shop.clock)
    normal = shop.artifacts.store
    second_picture_is_gone(shop)
    with pytest.raises(OperatorNeededError, match="cannot be downloaded"):
        shop.drain(limit_seconds=3600)
    assert world.attempts() == {"fetching": 1}
    shop.artifacts.store = normal
    shop.artifacts.next_stores.clear()
    shop.drain()
    assert (world.jobs(), len(shop.provider.posts)) == ({"succeeded": 1}, 1)


def test_urls_that_bring_nothing_for_long_are_lost_in_the_end(shop, world):
    world.run(1, images=2, price=2 * PRICE)
    shop.provider = RenewsUrls(shop.clock)
    second_picture_is_gone(shop)
    shop.run_for(FRESH_URLS_SECONDS + 600)
    assert world.jobs() == {"failed": 1}
    assert sum("/1.png" in request.url for request in shop.artifacts.requests) > FRESH_URLS_MAX


def test_urls_that_bring_nothing_are_lost_in_the_end_also_for_workers_that_only_drain(shop, world):
    world.run(1, images=2, price=2 * PRICE)
    shop.provider = RenewsUrls(shop.clock)
    second_picture_is_gone(shop)
    with pytest.raises(OperatorNeededError, match="cannot be downloaded"):
        shop.drain(limit_seconds=3600)
    shop.clock.advance(3600)
    shop.drain(limit_seconds=3600)
    assert world.jobs() == {"failed": 1}


def test_a_picture_whose_folder_cannot_be_used_is_kept_right_under_the_root(shop, world):
    """It is paid for; a link that leads out, or a file where the folder should be, must not cost it."""
    world.run(1)
    planned = world.outputs(1)[0].path
    shop.artifacts.next_stores.extend([FetchFault.COLLISION] * 2)
    shop.drain()
    kept = world.outputs(1)[0].stored_path
    assert (world.jobs(), len(shop.provider.posts)) == ({"succeeded": 1}, 1)
    assert kept != planned
    assert "/" not in kept


def test_a_foreign_file_of_the_same_name_is_kept_beside(shop, world):
    world.run(1)
    path = world.outputs(1)[0].path
    shop.artifacts.files[path] = "somebody else's"
    shop.drain()
    (stored,) = [row.stored_path for row in world.outputs(1)]
    assert stored != path
    assert stored.endswith("~1.png")
    assert shop.artifacts.files[path] == "somebody else's"


def test_a_full_disk_stops_buying_and_a_drain_says_why(shop, world):
    world.run(5)
    shop.change("limits", concurrency=1)
    normal = shop.artifacts.store

    async def store(request):
        shop.artifacts.unwritable = "The disk is full."
        return await normal(request)

    shop.artifacts.store = store
    with pytest.raises(StorageError, match="The disk is full"):
        shop.drain(limit_seconds=600)
    assert shop.pauses() == {"storage"}
    assert len(shop.provider.posts) < 5
    assert world.attempts()["fetching"] >= 1


def test_what_a_full_disk_left_is_stored_once_there_is_room(shop, world):
    world.run(1)
    shop.artifacts.next_stores.extend([FetchFault.STORAGE] * 3)
    shop.run_for(120)
    assert (world.jobs(), shop.pauses()) == ({"succeeded": 1}, set())


def test_an_unwritable_folder_is_noticed_before_anything_is_bought(shop, world):
    world.run(1)
    shop.artifacts.unwritable = "outputs/ is read-only."
    with pytest.raises(StorageError, match=r"read-only.*Nothing was sent"):
        shop.drain()
    assert shop.provider.posts == []


def test_downloads_at_once_are_bounded(shop, world):
    world.run(20)
    shop.change("limits", downloads=3)
    now, most = [], []
    normal = shop.artifacts.store

    async def store(request):
        now.append(request)
        most.append(len(now))
        await shop.clock.sleep(5.0)
        now.remove(request)
        return await normal(request)

    shop.artifacts.store = store
    shop.drain()
    assert (world.jobs(), max(most)) == ({"succeeded": 20}, 3)


def test_the_sidecar_tells_where_a_picture_came_from(shop, world):
    world.run(1)
    shop.drain()
    (request,) = shop.artifacts.requests
    assert request.sidecar["prediction_id"] == world.rows(attempts)[0].prediction_id
    assert request.sidecar["price_micros"] == PRICE
