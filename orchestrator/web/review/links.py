"""Where served pages find pictures: by job and content, so that an address never changes its meaning."""

from pathlib import Path

from orchestrator.pages.matrix import Shown
from orchestrator.pages.sources import SourcePicture
from orchestrator.pictures.shelf import ThumbnailShelf
from orchestrator.pictures.thumbnails import ThumbnailKind


class ServedLinks:
    """Implements `orchestrator.pages.rendering.Links`."""

    def __init__(self, root: Path, shelf: ThumbnailShelf) -> None:
        self._root = root
        self._shelf = shelf

    def small(self, shown: Shown, kind: ThumbnailKind) -> str:
        """A small picture; of a flagged one the blurred likeness. Empty for a file that is gone."""
        if self.trouble(shown):
            return ""
        wanted = ThumbnailKind.BLURRED if shown.flagged else kind
        return f"/pictures/{shown.job_id}/{shown.output.sha256}-{wanted.value}.webp"

    def source(self, source: SourcePicture) -> str:
        """A small picture of a source."""
        if not source.sha256 or source.path is None:
            return ""
        path = self._root / source.path
        is_there = path.is_file() or self._shelf.find(source.sha256, ThumbnailKind.SMALL) is not None
        return f"/sources/{source.job_id}/{source.sha256}-256.webp" if is_there else ""

    def full(self, shown: Shown) -> str:
        """The picture itself; of a flagged one nothing."""
        if shown.flagged or self.trouble(shown):
            return ""
        return f"/pictures/{shown.job_id}/{shown.output.sha256}"

    def trouble(self, shown: Shown) -> str:
        """Why it cannot be shown."""
        path = self._root / (shown.output.path or "")
        return "" if path.is_file() else f"The file is not there any more: {shown.output.path}"
