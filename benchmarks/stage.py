"""A throw-away project folder, and a sandbox in its own process."""

import contextlib
import multiprocessing
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.sandbox import SandboxConfig, run_blocking

KEY = "sandbox-key"


def _serve(config: SandboxConfig, pipe: Any) -> None:
    run_blocking(config, "127.0.0.1", 0, pipe.send)


@contextlib.contextmanager
def sandbox(**switches: Any) -> Iterator[str]:
    """The URL of a sandbox in a process of its own: fast pictures, no limits, plenty of credit."""
    config = SandboxConfig(
        **{"fast": True, "level": "unlimited", "balance_micros": 10**12, "latency_median": 0.0, **switches}
    )
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(config, theirs), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def folder(url: str | None = None, **config: str) -> Iterator[Path]:
    """A project folder whose configuration points at the sandbox."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        path = Path(name)
        lines = [
            "limits: {level: ultra, concurrency: 100000, submits_per_minute: 1000000, polls_per_second: 10000, downloads: 64}"
        ]
        if url:
            lines.append(f"provider: {{base_url: '{url}'}}")
        lines += [f"{key}: {value}" for key, value in config.items()]
        (path / "config.yaml").write_text("\n".join(lines) + "\n")
        yield path


def manifest(path: Path, jobs: int) -> Path:
    """A manifest of `jobs` jobs: a CSV with a row each."""
    with (path / "rows.csv").open("w") as rows:
        rows.write("sku,title\n")
        for number in range(jobs):
            rows.write(f"SKU-{number:07d},Product number {number} in the catalogue\n")
    text = (
        "version: 1\nname: bench\nmodel: kwaivgi/kling-image-o3/edit\n"
        "matrix:\n  product: {csv: rows.csv}\n"
        'params:\n  prompt: "{{ product.title }} on a table"\n  images: ["https://example.com/a.png"]\n'
        'output: "{{ product.sku }}-v{{ variation }}-{{ index }}.{{ ext }}"\n'
    )
    file = path / "bench.yaml"
    file.write_text(text)
    return file
