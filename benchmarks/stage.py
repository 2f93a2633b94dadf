"""A throw-away project folder, a manifest for it, and a sandbox in its own process."""

import contextlib
import json
import multiprocessing
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import scratch
from benchmarks.process import cpu_seconds
from orchestrator.sandbox import SandboxConfig, run_blocking

KEY = "sandbox-key"
MODEL = "kwaivgi/kling-image-o3/edit"
LIMITS = (
    "{level: ultra, concurrency: 5000, submits_per_minute: 1000000, polls_per_second: 10000, downloads: 64}"
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the sandbox saw of a contestant: the same judge for all of them."""

    tasks: int
    downloaded: int  # tasks whose picture was fetched
    looks: float  # results read, for each task
    delays: tuple[float, ...]  # seconds from a task's end to the poll that saw it, in order
    peak: int  # most tasks unfinished at once
    latencies: tuple[float, ...]  # seconds, of the tasks in the order of their acceptance


@dataclass(frozen=True, slots=True)
class SandboxProcess:
    """A running sandbox."""

    url: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time it has taken so far."""
        return cpu_seconds(self.pid)

    def bill(self) -> dict[str, Any]:
        """All that the sandbox knows."""
        with urllib.request.urlopen(f"{self.url}/sandbox/bill", timeout=120) as reply:
            bill: dict[str, Any] = json.load(reply)
        return bill

    def judge(self) -> Judged:
        """Read the bill."""
        bill = self.bill()
        tasks = bill["tasks"]
        seen = [task for task in tasks if task["seen_at_ms"] is not None]
        return Judged(
            tasks=len(tasks),
            downloaded=sum(bool(task["output_sha256"]) for task in tasks),
            looks=bill["requests"].get("result", 0) / max(len(tasks), 1),
            delays=tuple(sorted((task["seen_at_ms"] - task["finished_at_ms"]) / 1000 for task in seen)),
            peak=bill["max_concurrency"],
            latencies=tuple((task["finished_at_ms"] - task["created_at_ms"]) / 1000 for task in seen),
        )


@contextlib.contextmanager
def sandbox(**switches: Any) -> Iterator[SandboxProcess]:
    """A sandbox in a process of its own: fast pictures, no limits, plenty of credit."""
    config = SandboxConfig(
        **{"fast": True, "level": "unlimited", "balance_micros": 10**12, "latency_median": 0.0, **switches}
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(config, theirs), daemon=True)
    process.start()
    try:
        url = ours.recv()
        assert process.pid is not None
        yield SandboxProcess(url, process.pid)
    finally:
        process.terminate()
        process.join()


def _serve(config: SandboxConfig, pipe: Any) -> None:
    run_blocking(config, host="127.0.0.1", port=0, ready=pipe.send)


def folder(url: str | None = None, *, limits: str = LIMITS, **config: str) -> Path:
    """A project folder whose configuration points at the sandbox; `config` holds more of its lines."""
    path = scratch.folder()
    lines = [f"limits: {limits}"]
    if url:
        lines.append(f"provider: {{base_url: '{url}'}}")
    lines += [f"{key}: {value}" for key, value in config.items()]
    (path / "config.yaml").write_text("\n".join(lines) + "\n")
    return path


def manifest(path: Path, jobs: int) -> Path:
    """A manifest of `jobs` jobs: a CSV with a row each."""
    with (path / "rows.csv").open("w") as rows:
        rows.write("sku,title\n")
        for number in range(jobs):
            rows.write(f"SKU-{number:07d},Product number {number} in the catalogue\n")
    text = (
        f"version: 1\nname: bench\nmodel: {MODEL}\n"
        "matrix:\n  product: {csv: rows.csv}\n"
        'params:\n  prompt: "{{ product.title }} on a table"\n  images: ["https://example.com/a.png"]\n'
        'output: "{{ product.sku }}-v{{ variation }}-{{ index }}.{{ ext }}"\n'
    )
    file = path / "bench.yaml"
    file.write_text(text)
    return file


def percentile(ordered: tuple[float, ...] | list[float], share: float) -> float:
    """The value below which `share` of an ordered list lies; 0 for an empty one."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
