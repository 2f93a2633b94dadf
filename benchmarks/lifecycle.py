"""The whole lifecycle against a sandbox in its own process: jobs a second and CPU a job.

    python -m benchmarks.lifecycle [jobs] [latency seconds]

Side by side in one run: the orchestrator on SQLite FULL with everything on (ledger, hash, decode, fsync, sidecar); the
same without sidecars; and a bare script with the same transport, no persistence and no checks but the length.
"""

import asyncio
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import machine, stage
from orchestrator.actions.apply import apply
from orchestrator.actions.manifests import load_manifests
from orchestrator.app import open_app
from orchestrator.provider import make_client
from orchestrator.worker.stop import Stop

MODEL = "kwaivgi/kling-image-o3/edit"
IN_FLIGHT = 5_000


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def ours(url: str, jobs: int, *, sidecar: bool) -> tuple[float, float]:
    """Wall and CPU seconds of a worker."""
    with stage.folder(url, worker="{poll_min_seconds: 0.2}") as path:
        file = stage.manifest(path, jobs)
        with open_app(None, {"WAVESPEED_API_KEY": stage.KEY}, path) as app:
            app.settings = replace(app.settings, outputs=replace(app.settings.outputs, sidecar=sidecar))
            apply(app.database, load_manifests([file], app.settings, app.clock.now_ms()))
            began, used = time.perf_counter(), cpu()
            asyncio.run(app.worker().run(Stop()))
            return time.perf_counter() - began, cpu() - used


async def _script(url: str, jobs: int, latency: float, out: Path) -> None:
    api, files = make_client(connections=100), make_client(connections=64)
    api.headers["Authorization"] = f"Bearer {stage.KEY}"
    room, looks = asyncio.Semaphore(IN_FLIGHT), asyncio.Semaphore(100)
    body = {"prompt": "x", "images": ["https://example.com/a.png"]}

    async def one(number: int) -> None:
        async with room:
            async with looks:
                reply = await api.post(f"{url}/api/v3/{MODEL}", json={**body, "prompt": f"x {number}"})
            task = reply.json()["data"]["id"]
            await asyncio.sleep(latency * 0.9)
            while True:
                async with looks:
                    data = (await api.get(f"{url}/api/v3/predictions/{task}/result")).json()["data"]
                if data["status"] == "completed":
                    break
                await asyncio.sleep(max(0.2, latency * 0.1))
            picture = await files.get(data["outputs"][0])
            (out / f"{task}.png").write_bytes(picture.content)

    await asyncio.gather(*(one(number) for number in range(jobs)))
    await api.aclose()
    await files.aclose()


def script(url: str, jobs: int, latency: float) -> tuple[float, float]:
    """Wall and CPU seconds of the bare script."""
    with stage.folder() as path:
        began, used = time.perf_counter(), cpu()
        asyncio.run(_script(url, jobs, latency, path))
        return time.perf_counter() - began, cpu() - used


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    latency = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    rows = []
    for title, run in (
        ("bare script, same transport, no persistence", lambda url: script(url, jobs, latency)),
        ("orchestrator, SQLite FULL, all checks", lambda url: ours(url, jobs, sidecar=True)),
        ("the same without sidecars", lambda url: ours(url, jobs, sidecar=False)),
    ):
        with stage.sandbox(latency_median=latency, latency_sigma=0.0) as url:
            rows.append((title, *run(url)))
    print(f"{machine.name()}\n{jobs:,} jobs, tasks of {latency:g} s, pictures of 20 KB\n")
    print("| What | Jobs/s | CPU ms/job | Ratio |")
    print("|---|--:|--:|--:|")
    floor = jobs / rows[0][1]
    for title, wall, used in rows:
        print(f"| {title} | {jobs / wall:,.0f} | {used / jobs * 1000:.2f} | {jobs / wall / floor:.2f} |")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nResident memory at most {memory:.0f} MB.")


if __name__ == "__main__":
    main()
