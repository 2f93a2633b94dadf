"""Input pictures: uploaded once, checked before they leave, and their troubles cost nothing."""

from dataclasses import replace
from hashlib import sha256

import pytest
from attempt_states import states
from PIL import Image
from support.world import PRICE, spec

from orchestrator.core.specs import LocalImage
from orchestrator.ports import Lost, NotSent, Rejected, Throttled
from orchestrator.store.db.schema import jobs, uploads
from orchestrator.store.stops.attention import UPLOADS_REFUSED, attention
from orchestrator.worker.pipeline.prepare import REFUSALS_MAX, REFUSALS_SECONDS


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    return LocalImage(path=str(path), sha256=sha256(b"picture").hexdigest(), bytes=7, media_type="image/png")


def with_photo(photo, count):
    params = {"images": ["a.png", "https://in.example/b.png"], "num_images": 1}
    return [
        spec(number, params={**params, "prompt": f"{number}"}, local_images={"a.png": photo})
        for number in range(count)
    ]


def test_equal_pictures_are_uploaded_once_and_sent_as_urls(harness, world, photo):
    world.apply(with_photo(photo, 5))
    harness.drain()
    assert harness.provider.uploads == [photo.sha256]
    assert {tuple(inputs["images"]) for _, inputs in harness.provider.posts} == {
        ("https://hosted.example/1.png", "https://in.example/b.png")
    }
    assert len(world.rows(uploads)) == 1


def test_a_hosted_copy_is_reused_by_the_next_worker_and_renewed_when_old(harness, world, photo):
    first, second, third = with_photo(photo, 3)
    for hours, job in ((0, first), (20, second), (10, third)):
        harness.clock.advance(hours * 3600)
        world.apply([job])
        harness.drain()
    assert len(harness.provider.uploads) == 2


def test_a_picture_that_changed_since_it_was_planned_is_not_sent(harness, world, photo, tmp_path):
    world.apply(with_photo(photo, 1))
    (tmp_path / "a.png").write_bytes(b"retouched")
    harness.drain()
    assert (harness.provider.posts, harness.provider.uploads) == ([], [])
    assert states(world) == [("abandoned", "input_changed")]
    assert (world.jobs(), world.account()) == ({"failed": 1}, (0, 0, 0))


@pytest.mark.parametrize("trouble", [Throttled(3.0), NotSent("refused"), Lost("reset")])
def test_a_troubled_upload_is_tried_again_and_costs_nothing(harness, world, photo, trouble):
    world.apply(with_photo(photo, 1))
    harness.provider.next_uploads.append(trouble)
    harness.drain()
    assert (world.jobs(), len(harness.provider.posts)) == ({"succeeded": 1}, 1)
    assert world.account() == (PRICE, 0, 0)


REFUSED = Lost("the media host answered HTTP 403; a fresh ticket is needed", refused_status=403)


def test_a_host_that_refuses_for_a_while_costs_a_few_uploads_and_no_job(harness, world, photo):
    world.apply(with_photo(photo, 30))
    harness.provider.next_uploads.extend([REFUSED] * 3)
    harness.drain()
    assert world.jobs() == {"succeeded": 30}
    assert len(harness.provider.uploads) == 4


def test_a_picture_that_the_host_refuses_for_good_is_a_persons_and_costs_nothing(harness, world, photo):
    world.apply(with_photo(photo, 3))
    harness.provider.next_uploads.extend([REFUSED] * 1000)
    began = harness.clock.monotonic()
    harness.drain()
    assert (world.jobs(), world.account(), harness.provider.posts) == ({"failed": 3}, (0, 0, 0), [])
    assert harness.clock.monotonic() - began >= REFUSALS_SECONDS
    assert len(harness.provider.uploads) >= REFUSALS_MAX
    ended = [row for row in world.rows(jobs) if row.reason == "upload_rejected"]
    assert len(ended) == 3
    assert all("HTTP 403" in row.message for row in ended)


def test_uploads_that_are_refused_say_so(harness, world, photo):
    world.apply(with_photo(photo, 2))
    harness.provider.next_uploads.extend([REFUSED] * 1000)
    found = []

    def look(_stop):
        with world.database.read() as tx:
            found.extend(attention(tx))

    harness.run_for(80.0, (50.0, look))
    (stop,) = found
    assert stop.reason == UPLOADS_REFUSED
    assert "the picture host refuses uploads: the media host answered HTTP 403" in stop.message
    assert "2 jobs wait" in stop.message
    assert stop.until is not None


def test_a_rejected_upload_fails_its_job(harness, world, photo):
    world.apply(with_photo(photo, 1))
    harness.provider.next_uploads.append(Rejected("too large", 413))
    harness.drain()
    assert (states(world), world.jobs()) == ([("abandoned", "upload_rejected")], {"failed": 1})


@pytest.fixture
def turned(tmp_path):
    path = tmp_path / "a.png"
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.new("RGB", (400, 300)).save(path, "JPEG", exif=exif)
    content = path.read_bytes()
    return LocalImage(
        path=str(path),
        sha256=sha256(content).hexdigest(),
        bytes=len(content),
        media_type="image/jpeg",
        recipe="1:300:10000000",
    )


def test_a_converted_copy_is_uploaded_once_in_the_place_of_the_file(harness, world, turned):
    world.apply(with_photo(turned, 2))
    harness.drain()
    (uploaded,) = harness.provider.uploads
    assert uploaded != turned.sha256
    assert [row.sha256 for row in world.rows(uploads)] == [f"{turned.sha256}+{turned.recipe}"]
    assert len(harness.provider.posts) == 2


def test_the_file_as_it_is_and_its_converted_copy_are_hosted_apart(harness, world, turned):
    plain = replace(turned, recipe="")
    for number, image in enumerate((turned, plain)):
        params = {"images": ["a.png"], "num_images": 1, "prompt": f"{number}"}
        world.apply([spec(number, params=params, local_images={"a.png": image})])
    harness.drain()
    assert len({tuple(inputs["images"]) for _, inputs in harness.provider.posts}) == 2


def test_a_file_that_changed_is_not_converted_and_one_that_cannot_be_waits_for_a_person(
    harness, world, turned
):
    world.apply(with_photo(replace(turned, recipe="99:300:1"), 1))
    harness.drain()
    assert (harness.provider.posts, states(world)) == ([], [("abandoned", "input_changed")])
