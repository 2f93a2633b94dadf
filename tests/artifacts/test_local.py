"""Storing outputs: complete or not at all, safe to repeat, never over somebody else's file."""

import asyncio
import errno
import hashlib
import json
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from output_hosts import URL, DyingFiles, FailingFiles, Host, Pieces, picture, serving

from orchestrator.artifacts import LocalArtifacts, RealFiles
from orchestrator.ports import (
    ArtifactRequest,
    DiscardedArtifact,
    FetchFailed,
    FetchFault,
    FetchOutcome,
    StoredArtifact,
)
from orchestrator.provider import make_transport

PNG = picture()
PNG_SHA = hashlib.sha256(PNG).hexdigest()


def request(path: str = "camp/sku/a.png", **more: Any) -> ArtifactRequest:
    return ArtifactRequest(
        **{"url": URL, "path": path, "expected_media_type": "image/png", "nsfw": False, **more}
    )


def store(root: Path, host: Host, *requests: ArtifactRequest, **options: Any) -> list[FetchOutcome]:
    async def play() -> list[FetchOutcome]:
        artifacts = LocalArtifacts(root, host, **options)
        try:
            return [await artifacts.store(r) for r in requests or (request(),)]
        finally:
            await artifacts.aclose()

    return asyncio.run(play())


def fault(outcome: FetchOutcome) -> FetchFault:
    assert isinstance(outcome, FetchFailed), outcome
    assert outcome.message
    return outcome.fault


def files(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()}


def test_a_picture_is_stored_with_what_it_is_and_a_sidecar(tmp_path):
    (found,) = store(tmp_path, serving(PNG), request(sidecar={"prompt": "é", "price_usd": "0.028"}))
    assert found == StoredArtifact(
        path="camp/sku/a.png", sha256=PNG_SHA, bytes=len(PNG), media_type="image/png", width=40, height=30
    )
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG
    sidecar = json.loads((tmp_path / "camp/sku/a.png.json").read_text("utf-8"))
    assert sidecar["prompt"] == "é"
    assert sidecar["sha256"] == PNG_SHA
    assert (sidecar["width"], sidecar["nsfw"]) == (40, False)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_without_sidecars_there_is_only_the_picture(tmp_path):
    store(tmp_path, serving(PNG), sidecar=False)
    assert files(tmp_path) == {"camp/sku/a.png"}


def test_files_and_folders_are_not_for_everybody(tmp_path):
    old = os.umask(0)
    try:
        store(tmp_path / "new" / "root", serving(PNG))
    finally:
        os.umask(old)
    for path in (tmp_path / "new").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o750 if path.is_dir() else 0o640), path


def test_nothing_is_published_before_it_is_durable(tmp_path):
    tracked = DyingFiles()
    store(tmp_path, serving(PNG), files=tracked)
    made = [entry for entry in tracked.log if not entry.startswith("fsync_dir") or entry == "fsync_dir sku"]
    assert made == ["fsync", "fsync", "publish", "replace", "fsync_dir sku"]


def test_the_request_carries_no_credentials_and_asks_for_no_coding(tmp_path):
    host = serving(PNG)

    store(tmp_path, host)
    assert not {"authorization", "cookie"} & set(host.requests[0].headers)
    assert host.requests[0].headers["accept-encoding"] == "identity"


# --- repeating ----------------------------------------------------------------------------------------------


def test_a_repeat_with_a_known_digest_downloads_and_touches_nothing(tmp_path):
    host = serving(PNG)
    (first,) = store(tmp_path, host)
    before = (tmp_path / "camp/sku/a.png").stat()
    (second,) = store(tmp_path, host, request(known_sha256=PNG_SHA))
    assert second == first
    assert len(host.requests) == 1
    after = (tmp_path / "camp/sku/a.png").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)


def test_a_repeat_without_a_known_digest_reuses_the_file_that_is_there(tmp_path):
    store(tmp_path, serving(PNG))
    before = (tmp_path / "camp/sku/a.png").stat()
    (tmp_path / "camp/sku/a.png.json").unlink()
    (second,) = store(tmp_path, serving(PNG))
    assert isinstance(second, StoredArtifact)
    after = (tmp_path / "camp/sku/a.png").stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_a_known_file_under_a_corrected_name_is_found_too(tmp_path):
    jpeg = picture("JPEG")
    (first,) = store(tmp_path, serving(jpeg))
    host = serving(jpeg)
    (second,) = store(tmp_path, host, request(known_sha256=hashlib.sha256(jpeg).hexdigest()))
    assert second == first
    assert host.requests == []


def test_a_known_file_that_is_gone_or_damaged_is_downloaded_again(tmp_path):
    store(tmp_path, serving(PNG))
    (tmp_path / "camp/sku/a.png").unlink()
    (again,) = store(tmp_path, serving(PNG), request(known_sha256=PNG_SHA))
    assert isinstance(again, StoredArtifact)
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


@pytest.mark.parametrize("known", [None, PNG_SHA, "0" * 64])
def test_another_jobs_file_is_never_overwritten(tmp_path, known):
    target = tmp_path / "camp/sku/a.png"
    target.parent.mkdir(parents=True)
    target.write_bytes(picture(color="blue"))
    (found,) = store(tmp_path, serving(PNG), request(known_sha256=known))
    assert fault(found) is FetchFault.COLLISION
    assert target.read_bytes() == picture(color="blue")
    assert files(tmp_path) == {"camp/sku/a.png"}


def test_two_writers_of_one_name_make_one_file_and_one_collision(tmp_path):
    def respond(asked: httpx.Request) -> httpx.Response:
        color = "red" if asked.url.path == "/1" else "blue"
        return httpx.Response(200, stream=Pieces(picture(color=color)))

    async def play() -> list[FetchOutcome]:
        artifacts = LocalArtifacts(tmp_path, Host(respond))
        found = await asyncio.gather(
            *(artifacts.store(request(url=f"https://h.example/{n}")) for n in (1, 2))
        )
        await artifacts.aclose()
        return list(found)

    kinds = sorted(type(o).__name__ for o in asyncio.run(play()))
    assert kinds == ["FetchFailed", "StoredArtifact"]


def test_without_hard_links_nothing_is_overwritten_either(tmp_path, monkeypatch):
    def unsupported(*_args: Any, **_options: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", unsupported)
    assert isinstance(store(tmp_path, serving(PNG))[0], StoredArtifact)
    assert fault(store(tmp_path, serving(picture(color="blue")))[0]) is FetchFault.COLLISION
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


# --- flags --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "nsfw", "path"),
    [
        ("quarantine", True, "quarantine/camp/sku/a.png"),
        ("quarantine", False, "camp/sku/a.png"),
        ("quarantine", None, "camp/sku/a.png"),
        ("keep", True, "camp/sku/a.png"),
        ("discard", False, "camp/sku/a.png"),
    ],
)
def test_a_flagged_output_goes_where_the_policy_says(tmp_path, policy, nsfw, path):
    (found,) = store(tmp_path, serving(PNG), request(nsfw=nsfw), policy=policy)
    assert isinstance(found, StoredArtifact)
    assert found.path == path
    assert (tmp_path / path).read_bytes() == PNG


def test_a_discarded_output_is_verified_and_leaves_nothing(tmp_path):
    (found,) = store(tmp_path, serving(PNG), request(nsfw=True), policy="discard")
    assert found == DiscardedArtifact(
        sha256=PNG_SHA, bytes=len(PNG), media_type="image/png", width=40, height=30
    )
    assert files(tmp_path) == set()


# --- content ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "planned", "stored"),
    [
        ("PNG", "a.png", "a.png"),
        ("PNG", "a.PNG", "a.PNG"),
        ("JPEG", "a.png", "a.jpg"),
        ("JPEG", "a.jpeg", "a.jpeg"),
        ("WEBP", "a.jpeg", "a.webp"),
        ("PNG", "a", "a.png"),
        ("PNG", "a.v1", "a.v1.png"),
        ("PNG", "a.b.jpg", "a.b.png"),
    ],
)
def test_the_extension_tells_the_truth(tmp_path, kind, planned, stored):
    (found,) = store(tmp_path, serving(picture(kind)), request(planned))
    assert isinstance(found, StoredArtifact)
    assert found.path == stored


def bomb() -> bytes:
    """A PNG that says it has 50,000 x 50,000 pixels."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))


BAD = {
    "html": b"<!DOCTYPE html><html>expired</html>",
    "json": b'{"error":"expired"}',
    "nothing": b"",
    "gif": picture("GIF"),
    "tiff": picture("TIFF"),
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "text": b"hello there, this is text",
    "truncated_png": picture(size=(300, 300))[:-300],
    "truncated_jpeg": picture("JPEG", size=(600, 600))[:2000],
    "truncated_webp": picture("WEBP", size=(300, 300))[:60],
    "only_magic": b"\x89PNG\r\n\x1a\n",
    "flipped": PNG[:50] + bytes([PNG[50] ^ 0xFF]) + PNG[51:],
    "bomb": bomb(),
    "too_many_pixels": picture(size=(8000, 7000)),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_a_whole_picture_is_not_stored(tmp_path, name):
    (found,) = store(tmp_path, serving(BAD[name]))
    assert fault(found) is FetchFault.BAD_CONTENT
    assert files(tmp_path) == set()


def test_a_4k_panorama_fits(tmp_path):
    (found,) = store(tmp_path, serving(picture("JPEG", size=(4096, 1755))), request("a.jpg"))
    assert isinstance(found, StoredArtifact)


def test_the_size_is_capped_by_promise_and_by_count(tmp_path):
    promised = serving(PNG, Content_Length="99999999999")
    assert fault(store(tmp_path, promised, max_bytes=1000)[0]) is FetchFault.BAD_CONTENT
    assert fault(store(tmp_path, serving(b"x" * 5000), max_bytes=1000)[0]) is FetchFault.BAD_CONTENT
    assert files(tmp_path) == set()


# --- network ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (serving(b"", 403), FetchFault.GONE),
        (serving(b"", 404), FetchFault.GONE),
        (serving(b"", 410), FetchFault.GONE),
        (serving(b"", 400), FetchFault.TRANSIENT),
        (serving(b"", 401), FetchFault.TRANSIENT),
        (serving(b"", 429), FetchFault.TRANSIENT),
        (serving(b"", 500), FetchFault.TRANSIENT),
        (serving(b"<html>", 504), FetchFault.TRANSIENT),
        (serving(PNG, 206), FetchFault.TRANSIENT),
        (serving(b"", 204), FetchFault.TRANSIENT),
        (serving(b"", 304), FetchFault.TRANSIENT),
        (serving(b"", 302), FetchFault.TRANSIENT),
        (serving(PNG, error=httpx.ReadError("reset")), FetchFault.TRANSIENT),
        (serving(PNG, error=httpx.ReadTimeout("slow")), FetchFault.TRANSIENT),
        (serving(PNG, Content_Length=str(len(PNG) + 1)), FetchFault.TRANSIENT),
        (serving(PNG, Content_Length=str(len(PNG) - 1)), FetchFault.TRANSIENT),
        (serving(PNG, Content_Encoding="gzip"), FetchFault.TRANSIENT),
    ],
)
def test_a_download_that_fails_says_whether_to_ask_again(tmp_path, host, expected):
    (found,) = store(tmp_path, host)
    assert fault(found) is expected
    assert files(tmp_path) == set()


def test_the_whole_download_has_a_time_limit(tmp_path):
    class Forever(Pieces):
        async def __aiter__(self):
            while True:
                yield b"x"
                await asyncio.sleep(0.001)

    host = Host(lambda _r: httpx.Response(200, stream=Forever(b"")))
    assert fault(store(tmp_path, host, timeout_seconds=0.05)[0]) is FetchFault.TRANSIENT
    assert files(tmp_path) == set()


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_a_body_cut_short_on_a_real_socket_is_transient(tmp_path, ending):
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + PNG)
        if ending == "reset":
            writer.transport.abort()
        writer.close()

    async def play() -> FetchOutcome:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        artifacts = LocalArtifacts(tmp_path, make_transport(connections=2))
        found = await artifacts.store(request(url=f"http://127.0.0.1:{port}/a.png"))
        await artifacts.aclose()
        server.close()
        return found

    assert fault(asyncio.run(play())) is FetchFault.TRANSIENT
    assert files(tmp_path) == set()


def redirecting(*targets: str) -> Host:
    left = list(targets)

    def respond(_request: httpx.Request) -> httpx.Response:
        if left:
            return httpx.Response(302, headers={"Location": left.pop(0)}, stream=Pieces(b"moved"))
        return httpx.Response(200, stream=Pieces(PNG))

    return Host(respond)


def test_redirects_are_followed_within_their_limit(tmp_path):
    host = redirecting("/b", "https://other.example.com/c", "//third.example.com/d")
    assert isinstance(store(tmp_path, host)[0], StoredArtifact)
    assert [str(r.url) for r in host.requests] == [
        URL,
        "https://cdn.example.com/b",
        "https://other.example.com/c",
        "https://third.example.com/d",
    ]
    assert fault(store(tmp_path, redirecting("/1", "/2", "/3", "/4"))[0]) is FetchFault.TRANSIENT


FORBIDDEN = [
    "",
    "http://cdn.example.com/a.png",
    "https://me:pw@cdn.example.com/a.png",
    "file:///etc/passwd",
    "ftp://cdn.example.com/a",
    "gopher://cdn.example.com/a",
    "data:image/png;base64,AAAA",
    "//cdn.example.com/a",
    "a.png",
    "https://169.254.169.254/latest/meta-data",
    "https://[::ffff:169.254.169.254]/",
    "https://[::1]/",
    "https://127.0.0.1/a",
    "https://10.0.0.1/a",
    "https://100.64.0.1/a",
    "https://127.1/a",
    "https://0x7f000001/a",
    "https://2130706433/a",
    "https://localhost/a",
    "https://metadata.google.internal/a",
    "https://printer.local/a",
    "https://intranet/a",
    "https:///a",
    "https://cdn.example.com:99999999/a",
    "x" * 9000,
]


@pytest.mark.parametrize("url", FORBIDDEN)
def test_an_address_that_is_not_public_https_is_never_asked(tmp_path, url):
    host = serving(PNG)
    assert fault(store(tmp_path, host, request(url=url))[0]) is FetchFault.BAD_CONTENT
    assert host.requests == []


@pytest.mark.parametrize("url", [u for u in FORBIDDEN if "://" in u] + ["http://127.0.0.1:1/a"])
def test_a_redirect_cannot_lead_where_a_url_may_not(tmp_path, url):
    host = redirecting(url)
    assert fault(store(tmp_path, host)[0]) is FetchFault.BAD_CONTENT
    assert len(host.requests) == 1


def test_http_to_loopback_serves_the_stand_in(tmp_path):
    host = redirecting("http://localhost:9/b")
    assert isinstance(store(tmp_path, host, request(url="http://127.0.0.1:9/a"))[0], StoredArtifact)


# --- places -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "../a.png",
        "/etc/a.png",
        "a/../../b.png",
        "a//b.png",
        "./a.png",
        "a/./b.png",
        "",
        ".",
        "a/",
        "a\\b.png",
        "a\x00.png",
        "a\n.png",
        "x" * 300 + ".png",
        "ä" * 130 + ".png",
        ".orchestrator-tmp/a.png",
    ],
)
def test_a_path_that_leaves_the_root_or_is_no_name_is_refused_before_any_request(tmp_path, path):
    host = serving(PNG)
    assert fault(store(tmp_path / "root", host, request(path))[0]) is FetchFault.COLLISION
    assert host.requests == []
    assert files(tmp_path) == set()


def test_a_linked_folder_that_leads_out_is_refused(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "camp").symlink_to(outside)
    assert fault(store(root, serving(PNG))[0]) is FetchFault.COLLISION
    assert files(outside) == set()


def test_a_link_or_a_folder_in_the_place_of_the_file_is_a_collision(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside.png"
    (root / "camp/sku").mkdir(parents=True)
    (root / "camp/sku/a.png").symlink_to(outside)
    (root / "camp/sku/b.png").mkdir()
    first, second = store(root, serving(PNG), request(), request("camp/sku/b.png"))
    assert fault(first) is FetchFault.COLLISION
    assert fault(second) is FetchFault.COLLISION
    assert not outside.exists()


def test_a_link_to_a_file_with_the_same_bytes_is_still_not_our_file(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside.png"
    (root / "camp/sku").mkdir(parents=True)
    outside.write_bytes(PNG)
    (root / "camp/sku/a.png").symlink_to(outside)
    assert fault(store(root, serving(PNG), request(known_sha256=PNG_SHA))[0]) is FetchFault.COLLISION


def test_a_file_in_the_place_of_a_folder_is_a_collision(tmp_path):
    (tmp_path / "camp").write_bytes(b"")
    assert fault(store(tmp_path, serving(PNG))[0]) is FetchFault.COLLISION


# --- our disk -----------------------------------------------------------------------------------------------

OPERATIONS = [
    ("make_folder", 1),
    ("make_folder", 2),
    ("open_temp", 1),
    ("open_temp", 2),
    ("write", 1),
    ("write", 2),
    ("write", 3),
    ("fsync", 1),
    ("fsync", 2),
    ("publish", 1),
    ("replace", 1),
    ("fsync_dir", 1),
    ("fsync_dir", 4),
]


@pytest.mark.parametrize(("operation", "number"), OPERATIONS)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_a_disk_that_fails_anywhere_is_a_storage_fault_and_a_repeat_heals(tmp_path, operation, number, code):
    (found,) = store(tmp_path, serving(PNG), files=FailingFiles(operation, number, code))
    assert fault(found) is FetchFault.STORAGE
    assert os.strerror(code) in found.message
    assert not list((tmp_path / ".orchestrator-tmp").glob("*"))
    (again,) = store(tmp_path, serving(PNG))
    assert isinstance(again, StoredArtifact)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}


def test_too_many_open_files_pass_and_do_not_stop_everything(tmp_path):
    (found,) = store(tmp_path, serving(PNG), files=FailingFiles("open_temp", 1, errno.EMFILE))
    assert fault(found) is FetchFault.TRANSIENT


def test_a_writable_root_is_probed_and_left_as_it_was(tmp_path):
    artifacts = LocalArtifacts(tmp_path / "out", serving(PNG))
    assert artifacts.check_writable() is None
    assert files(tmp_path) == set()


@pytest.mark.parametrize(
    ("operation", "code"), [("write", errno.ENOSPC), ("fsync", errno.EIO), ("open_temp", errno.EROFS)]
)
def test_a_root_that_takes_no_file_says_why(tmp_path, operation, code):
    artifacts = LocalArtifacts(tmp_path, serving(PNG), files=FailingFiles(operation, 1, code))
    message = artifacts.check_writable()
    assert message is not None
    assert os.strerror(code) in message
    assert str(tmp_path) in message
    assert files(tmp_path) == set()


def test_a_root_that_is_a_file_says_why(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    artifacts = LocalArtifacts(tmp_path / "out", serving(PNG))
    assert "out" in (artifacts.check_writable() or "")


# --- crashes ------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone."""


CRASHPOINTS = ["artifact.temp_created", "artifact.half_written", "artifact.synced", "artifact.renamed"]


@pytest.mark.parametrize("point", CRASHPOINTS)
def test_a_crash_leaves_nothing_half_done_and_a_repeat_completes(tmp_path, point):
    dying = DyingFiles()
    passed: list[str] = []

    def crash(name: str) -> None:
        passed.append(name)
        if name == point:
            dying.dead = True
            raise Killed

    with pytest.raises(Killed):
        store(tmp_path, serving(PNG), files=dying, crashpoint=crash)
    assert passed == CRASHPOINTS[: CRASHPOINTS.index(point) + 1]
    for name in files(tmp_path):
        assert name.startswith(".orchestrator-tmp/") or (tmp_path / name).read_bytes() == PNG

    async def restart() -> FetchOutcome:
        artifacts = LocalArtifacts(tmp_path, serving(PNG))
        artifacts.clean()
        assert not list((tmp_path / ".orchestrator-tmp").iterdir())
        found = await artifacts.store(request())
        await artifacts.aclose()
        return found

    assert isinstance(asyncio.run(restart()), StoredArtifact)
    assert files(tmp_path) == {"camp/sku/a.png", "camp/sku/a.png.json"}
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


def test_cleaning_takes_strays_and_leaves_what_is_being_written(tmp_path):
    folder = tmp_path / ".orchestrator-tmp"
    folder.mkdir()
    (folder / ".part-1-0").write_bytes(b"stray")
    (folder / "keep.txt").write_bytes(b"not ours")
    other_worker = RealFiles()
    live = other_worker.open_temp(folder)
    artifacts = LocalArtifacts(tmp_path, serving(PNG))
    assert artifacts.clean() == 1
    assert sorted(p.name for p in folder.iterdir()) == sorted(["keep.txt", live.path.name])
    other_worker.close(live)
    assert artifacts.clean() == 1


def test_cleaning_a_root_that_does_not_exist_is_fine(tmp_path):
    assert LocalArtifacts(tmp_path / "no", serving(PNG)).clean() == 0


@pytest.fixture
def held_decoder() -> Iterator[Any]:
    """A pool that holds work back until it is told to go on."""
    gate = threading.Event()
    pool = ThreadPoolExecutor(1)
    pool.submit(gate.wait)
    yield pool, gate
    gate.set()
    pool.shutdown()


def test_a_cancelled_download_leaves_no_file_open_or_behind(tmp_path, held_decoder):
    """Handed-over work still owns its file: closing it early could hand its number to another file."""
    pool, gate = held_decoder

    async def play() -> None:
        host = serving(PNG)
        artifacts = LocalArtifacts(tmp_path, host, pool=pool)
        task = asyncio.create_task(artifacts.store(request()))
        while pool._work_queue.empty():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        await asyncio.get_running_loop().run_in_executor(pool, lambda: None)
        await artifacts.aclose()

    asyncio.run(play())
    assert not list((tmp_path / ".orchestrator-tmp").iterdir())
    assert (tmp_path / "camp/sku/a.png").read_bytes() == PNG


def test_a_download_cancelled_midway_leaves_nothing(tmp_path):
    async def play() -> None:
        started = asyncio.Event()

        class Stuck(Pieces):
            async def __aiter__(self):
                yield PNG[:10]
                started.set()
                await asyncio.Event().wait()

        host = Host(lambda _r: httpx.Response(200, stream=Stuck(b"")))
        artifacts = LocalArtifacts(tmp_path, host)
        task = asyncio.create_task(artifacts.store(request()))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await artifacts.aclose()

    asyncio.run(play())
    assert files(tmp_path) == set()
