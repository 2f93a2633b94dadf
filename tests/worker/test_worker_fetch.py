"""Storing outputs: a paid picture is not given up while there is a way to get it."""

import pytest
from support.provider import RenewsUrls
from support.world import PRICE

from orchestrator.core.errors import StorageError
from orchestrator.ports import FetchFault
from orchestrator.store.schema import attempts
from orchestrator.worker.fetch import FRESH_URLS_MAX


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


def test_an_output_that_is_gone_for_good_fails_its_job_and_says_so(shop, world):
    world.run(1, images=2, price=2 * PRICE)
    shop.provider = RenewsUrls(shop.clock)
    normal = shop.artifacts.store

    async def store(request):
        if "/1.png" in request.url:
            shop.artifacts.next_stores.append(FetchFault.GONE)
        return await normal(request)

    shop.artifacts.store = store
    shop.drain()
    assert (world.jobs(), [row.state for row in world.outputs(1)]) == ({"failed": 1}, ["stored", "lost"])
    assert world.account() == (2 * PRICE, 0, 0)
    assert sum("/1.png" in request.url for request in shop.artifacts.requests) == FRESH_URLS_MAX + 1
    assert len(shop.provider.posts) == 1


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
