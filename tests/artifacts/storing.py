"""Storing in few words: one store call for each request, and what is to be asked of its outcome."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from output_hosts import URL, Host, picture

from orchestrator.artifacts import LocalArtifacts
from orchestrator.ports import ArtifactRequest, FetchFailed, FetchFault, FetchOutcome

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
