"""Exchanges of our client with a scripted server: a submission, a look, or any other call."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from scripted import Act, Scripted

from orchestrator.provider import WaveSpeed
from orchestrator.runtime.clock import SystemClock

KEY = "wsk_secret-0123456789"
MODEL = "kwaivgi/kling-image-o3/edit"
CREATED = json.dumps({"code": 200, "message": "success", "data": {"id": "abc123", "status": "created"}})


def wavespeed(url: str, **options: Any) -> WaveSpeed:
    return WaveSpeed(url, KEY, SystemClock(), **{"submit_seconds": 5.0, "read_seconds": 5.0, **options})


def exchange(acts: list[Act], call: Callable[[WaveSpeed], Any], **options: Any) -> tuple[Any, Scripted]:
    async def play() -> tuple[Any, Scripted]:
        async with Scripted(list(acts)) as server:
            provider = wavespeed(server.url, **options)
            try:
                return await call(provider), server
            finally:
                await provider.aclose()

    return asyncio.run(play())


def submit(*acts: Act, **options: Any) -> tuple[Any, Scripted]:
    return exchange(list(acts), lambda p: p.submit(MODEL, {"prompt": "x"}), **options)


def result(*acts: Act, **options: Any) -> tuple[Any, Scripted]:
    return exchange(list(acts), lambda p: p.result("abc123"), **options)


def submit_to(url: str, **options: Any) -> Any:
    async def play() -> Any:
        provider = wavespeed(url, **options)
        try:
            return await provider.submit(MODEL, {})
        finally:
            await provider.aclose()

    return asyncio.run(play())
