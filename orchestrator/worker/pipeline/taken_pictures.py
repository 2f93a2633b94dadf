"""Where the bytes lie that are sent: of input pictures, and of those that a job takes from another."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from orchestrator.core.specs import LocalImage
from orchestrator.store.runs import chosen_pictures
from orchestrator.worker.deps import Deps
from orchestrator.worker.durable import read_durably


class TakenPictures:
    """Finds the pictures of other jobs under the output folder of this worker, whatever their names are now:
    they move when another try is chosen, and when the folder is put in order.
    """

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._root = Path(deps.settings.outputs.root)

    async def found(self, job_id: int, image: LocalImage) -> LocalImage:
        """The picture where it lies; where it is named now if it is not to be found."""
        places = await read_durably(self._deps, lambda tx: chosen_pictures.places(tx, job_id, image.sha256))
        paths = list(dict.fromkeys([*places, image.path]))
        return await asyncio.to_thread(_first_whole, self._root, paths, image=image)


def _first_whole(root: Path, paths: Sequence[str], *, image: LocalImage) -> LocalImage:
    candidates = [replace(image, path=str(root / path)) for path in paths]
    return next((each for each in candidates if changed(each) is None), candidates[0])


def changed(image: LocalImage) -> str | None:
    """None when the file still has the bytes that were planned, else what is wrong."""
    try:
        with Path(image.path).open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return f"the input picture {image.path} cannot be read: {error.strerror}"
    if digest != image.sha256:
        return (
            f"the input picture {image.path} has changed since the job was applied; apply the manifest again"
        )
    return None
