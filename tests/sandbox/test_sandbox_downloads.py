"""Output pictures over HTTP: what arrives, and each way it can go wrong."""

import io
from hashlib import sha256

import httpx
import pytest
from PIL import Image
from sandbox_api import KEY, NO_TLS, png

from orchestrator.sandbox import Fault


def decoded(data):
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def fetch(url, **headers):
    return httpx.get(url, headers=headers, trust_env=False, verify=NO_TLS)


def test_an_output_needs_no_key_and_a_key_sent_there_is_written_down(start):
    api = start()
    url = api.output()
    assert fetch(url).status_code == 200
    assert api.bill().authorization_leaks == ()
    assert fetch(url, **KEY).status_code == 200
    assert api.bill().authorization_leaks == ("GET " + url.removeprefix(api.url),)


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_outputs_are_real_pictures_and_all_different(start, fast, image_format):
    api = start(fast=fast)
    reference = api.upload(png(300, 200))
    ids = [api.task(images=[reference], num_images=2, output_format=image_format) for _ in range(2)]
    urls = [url for task_id in ids for url in api.result(task_id)["outputs"]]
    replies = [fetch(url) for url in urls]
    images = [decoded(reply.content) for reply in replies]
    assert {image.format for image in images} == {image_format.upper()}
    assert {reply.headers["Content-Type"] for reply in replies} == {f"image/{image_format}"}
    digests = [sha256(reply.content).hexdigest() for reply in replies]
    assert len(set(digests)) == 4
    assert [task.output_sha256 for task in api.bill().tasks] == [
        {0: digests[0], 1: digests[1]},
        {0: digests[2], 1: digests[3]},
    ]


def test_fast_pictures_are_about_20_kb(start):
    assert 15_000 < len(fetch(start().output()).content) < 30_000


def test_auto_takes_the_ratio_of_the_first_reference(start):
    api = start(fast=False)
    url = api.output(images=[api.upload(png(300, 100)), api.upload(png(50, 50))])
    assert decoded(fetch(url).content).size == (1024, 341)


def test_a_forgotten_picture_is_made_again_with_the_same_bytes(start):
    api = start(fast=False, picture_cache_bytes=1)
    url = api.output(images=[api.upload(png())])
    assert fetch(url).content == fetch(url).content


def test_what_is_not_an_output_is_404(start):
    api = start(latency_median=100.0)
    running = f"{api.url}/outputs/{api.task()}/v1/0.png"
    done = start()
    url = done.output()
    for wrong in (
        running,
        url.replace("0.png", "1.png"),
        url.replace(".png", ".jpeg"),
        url.replace("0.p", "x.p"),
    ):
        assert fetch(wrong).status_code == 404, wrong


STATUSES = {
    "error_500": 500,
    "error_503": 503,
    "throttle": 429,
    "forbidden": 403,
    "not_found": 404,
    "gone": 410,
    "redirect": 302,
    "redirect_loop": 302,
    "redirect_inward": 302,
}


def test_download_faults_by_status_pass_with_the_next_request(start):
    api = start()
    url = api.output()
    for manner, status in STATUSES.items():
        api.use_faults(f"download.{manner}@1")
        assert fetch(url).status_code == status, manner
        assert fetch(url).status_code == 200


def test_redirects_lead_to_the_picture_or_nowhere_good(start):
    api = start("download.redirect@1")
    url = api.output()
    assert (
        decoded(httpx.get(url, follow_redirects=True, trust_env=False, verify=NO_TLS).content).format == "PNG"
    )
    api.use_faults("download.redirect_loop@1")
    with pytest.raises(httpx.TooManyRedirects):
        httpx.get(url, follow_redirects=True, trust_env=False, verify=NO_TLS)
    api.use_faults("download.redirect_inward@1")
    assert fetch(url).headers["Location"].startswith("http://169.254.169.254/")


def test_spoiled_pictures_look_right_from_one_side_only(start):
    api = start()
    url = api.output()
    good = fetch(url)

    def under(manner):
        api.use_faults(f"download.{manner}@1")
        return fetch(url)

    wrong_type = under("wrong_type")
    assert (wrong_type.content, wrong_type.headers["Content-Type"]) == (
        good.content,
        "text/plain",
    )
    assert decoded(under("other_format").content).format == "GIF"
    html = under("html")
    assert (html.status_code, html.text[:6]) == (200, "<html>")
    assert under("empty").content == b""
    chunked = under("no_length")
    assert (chunked.content, "Content-Length" in chunked.headers) == (good.content, False)
    packed = under("gzip")
    assert (packed.content, packed.headers["Content-Encoding"]) == (good.content, "gzip")
    long_text = under("long_text").content
    with pytest.raises(ValueError, match="MAX_TEXT_CHUNK"):
        decoded(long_text)
    assert under("bad_side_sum").content != good.content
    corrupt = under("corrupt")
    assert int(corrupt.headers["Content-Length"]) == len(corrupt.content) < len(good.content)
    with pytest.raises((OSError, SyntaxError)):
        decoded(corrupt.content)
    assert under("slow").content == good.content


@pytest.mark.parametrize("image_format", ["jpeg", "webp"])
def test_a_corrupt_picture_of_any_format_does_not_decode(start, image_format):
    url = start("download.corrupt@1").output(output_format=image_format)
    with pytest.raises((OSError, SyntaxError)):
        decoded(fetch(url).content)


@pytest.mark.parametrize("fault", [Fault.DOWNLOAD_TRUNCATED, Fault.DOWNLOAD_DROP])
def test_a_broken_download_ends_before_its_promised_length(start, fault):
    url = start(f"{fault}@1").output()
    with pytest.raises(httpx.TransportError):
        fetch(url)
    assert fetch(url).status_code == 200


def test_an_endless_download_goes_on_to_its_limit_and_then_breaks(start):
    url = start("download.endless@1", endless_bytes_max=3 * 1024 * 1024).output()
    with (
        httpx.stream("GET", url, trust_env=False, verify=NO_TLS) as reply,
        pytest.raises(httpx.TransportError),
    ):
        reply.read()
    assert "Content-Length" not in reply.headers
    assert reply.num_bytes_downloaded > 1024 * 1024


def test_a_url_that_expired_stays_dead_and_a_fresh_result_gives_another(start):
    api = start("download.expired@1", output_expired_status=403)
    task_id = api.task()
    (url,) = api.result(task_id)["outputs"]
    assert [fetch(url).status_code for _ in range(2)] == [403, 403]
    (fresh,) = api.result(task_id)["outputs"]
    assert fresh != url
    assert (fetch(fresh).status_code, fetch(url).status_code) == (200, 403)


def test_without_the_switch_an_expired_output_is_gone_for_good(start):
    api = start("download.expired@1", output_expired_status=410, fresh_urls=False)
    task_id = api.task()
    (url,) = api.result(task_id)["outputs"]
    assert fetch(url).status_code == 410
    assert api.result(task_id)["outputs"] == [url]


def test_output_urls_may_live_shorter_than_their_prediction(start):
    api = start(output_url_ttl=100.0)
    task_id = api.task()
    (url,) = api.result(task_id)["outputs"]
    api.thread.advance(99)
    assert fetch(url).status_code == 200
    api.thread.advance(2)
    assert fetch(url).status_code == 404
    (fresh,) = api.result(task_id)["outputs"]
    assert (fresh != url, fetch(fresh).status_code) == (True, 200)
