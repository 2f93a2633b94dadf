"""Output pictures on demand: made at the first download, off the event loop, and kept while there is room."""

import asyncio
from collections import OrderedDict
from hashlib import sha256
from typing import Final

from orchestrator.sandbox.config import SandboxConfig
from orchestrator.sandbox.media.drawing import PictureSpec, render
from orchestrator.sandbox.media.stamps import small_picture
from orchestrator.sandbox.media.uploads import MediaStore
from orchestrator.sandbox.tasks import Served, Task

RENDERS_MAX: Final = 2


class Gallery:
    """Bytes of outputs. Equal outputs have equal bytes whenever they are made, so forgetting one loses
    nothing.
    """

    def __init__(self, media: MediaStore) -> None:
        self._media = media
        self._kept: OrderedDict[tuple[str, int], bytes] = OrderedDict()
        self._kept_bytes = 0
        self._making: dict[tuple[str, int], asyncio.Task[bytes]] = {}
        self._turns = asyncio.Semaphore(RENDERS_MAX)

    async def picture(self, task: Task, index: int, config: SandboxConfig) -> bytes:
        """The bytes of one output; the first time also notes their digest on the task."""
        if config.fast:
            data = small_picture(
                image_format=task.inputs["output_format"],
                aspect_ratio=task.inputs.get("aspect_ratio", "auto"),
                text=f"{task.id}/{index}",
                size=config.fast_picture_bytes,
            )
        else:
            data = await self._kept_or_made(task, index, config.picture_cache_bytes)
        if index not in task.served:
            task.served[index] = Served(sha256(data).hexdigest(), len(data))
        return data

    async def _kept_or_made(self, task: Task, index: int, room: int) -> bytes:
        key = (task.id, index)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(self._make(task, index))
            self._making[key] = making
            making.add_done_callback(lambda _done: self._making.pop(key, None))
        data = await asyncio.shield(making)
        self._keep(key, data, room)
        return data

    async def _make(self, task: Task, index: int) -> bytes:
        async with self._turns:
            return await asyncio.to_thread(self._draw, task, index)

    def _draw(self, task: Task, index: int) -> bytes:
        inputs = task.inputs
        return render(
            PictureSpec(
                prompt=str(inputs.get("prompt", "")),
                references=tuple(
                    self._media.read(reference.sha256) if reference.sha256 else None
                    for reference in task.references
                ),
                aspect_ratio=inputs.get("aspect_ratio", "auto"),
                resolution=inputs.get("resolution", "1k"),
                image_format=inputs["output_format"],
                label=f"sandbox picture {task.number}.{index + 1}   {task.id}",
            )
        )

    def _keep(self, key: tuple[str, int], data: bytes, room: int) -> None:
        if key in self._kept or len(data) > room:
            return
        self._kept[key] = data
        self._kept_bytes += len(data)
        while self._kept_bytes > room:
            self._kept_bytes -= len(self._kept.popitem(last=False)[1])
