"""Local input pictures: found, checked and named by their bytes.

An upload makes a picture public, so a manifest may name only files below its own folder or a configured input
root, after symbolic links are resolved; anything that is not a regular picture file is refused.
"""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from orchestrator.catalogue import InputRules
from orchestrator.catalogue.images import SNIFF_BYTES, sniff
from orchestrator.core.specs import LocalImage
from orchestrator.core.suggest import listed
from orchestrator.manifest.expressions import TemplateProblem
from orchestrator.manifest.tables import closest_file

_CACHE_MAX: Final = 100_000
_RECENT_MAX: Final = 10_000
_CHUNK: Final = 1 << 20


class Pictures:
    """Finds local pictures for one manifest; each distinct file is read once."""

    def __init__(self, folder: Path, input_roots: Sequence[Path], rules: InputRules) -> None:
        self._folder = folder
        self._roots = [Path(os.path.realpath(root)) for root in (folder, *input_roots)]
        self._rules = rules
        self._known: dict[str, tuple[int, int, LocalImage]] = {}
        self._recent: dict[str, LocalImage] = {}

    def begin_pass(self) -> None:
        """Check each file again: one may have been retouched since."""
        self._recent.clear()

    def find(self, text: str) -> LocalImage:
        """The picture that `text` names, relative to the manifest; raises TemplateProblem."""
        image = self._recent.get(text)
        if image is None:
            image = self._look(text)
            if len(self._recent) >= _RECENT_MAX:
                self._recent.clear()
            self._recent[text] = image
        return image

    def _look(self, text: str) -> LocalImage:
        if "\x00" in text:
            raise TemplateProblem("a file name cannot hold a NUL character")
        path = self._folder / text
        try:
            real = os.path.realpath(path)
            if not any(Path(real).is_relative_to(root) for root in self._roots):
                raise TemplateProblem(
                    f'"{text}" is outside the manifest\'s folder and the input roots',
                    "an upload makes a picture public: list its folder under input_roots in the "
                    "configuration",
                )
            facts = Path(real).stat()
        except FileNotFoundError:
            raise TemplateProblem(f'there is no file "{text}"', closest_file(path)) from None
        except (OSError, ValueError) as error:
            raise TemplateProblem(f'"{text}" cannot be read: {getattr(error, "strerror", error)}') from None
        known = self._known.get(real)
        if known is not None and known[:2] == (facts.st_mtime_ns, facts.st_size):
            return known[2]
        image = self._read(text, real, facts)
        if len(self._known) < _CACHE_MAX:
            self._known[real] = (facts.st_mtime_ns, facts.st_size, image)
        return image

    def _read(self, text: str, real: str, facts: os.stat_result) -> LocalImage:
        if not stat.S_ISREG(facts.st_mode):
            kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "not a regular file"
            raise TemplateProblem(f'"{text}" is {kind}; expected a picture')
        limit = self._rules.bytes_max
        if facts.st_size > limit:
            message = f'"{text}" has {facts.st_size / 1e6:.1f} MB; at most {limit / 1e6:g} MB are accepted'
            raise TemplateProblem(message, "make the picture smaller")
        digest = hashlib.sha256()
        size = 0
        try:
            with Path(real).open("rb") as stream:
                head = stream.read(SNIFF_BYTES)
                chunk = head
                while chunk and size <= limit:
                    size += len(chunk)
                    digest.update(chunk)
                    chunk = stream.read(_CHUNK)
        except OSError as error:
            raise TemplateProblem(f'"{text}" cannot be read: {error.strerror or error}') from None
        media_type = sniff(head)
        if media_type is None or media_type not in self._rules.media_types:
            formats = listed(kind.removeprefix("image/") for kind in self._rules.media_types)
            what = "is empty" if not size else "is not a picture we know by its content"
            raise TemplateProblem(f'"{text}" {what}; expected {formats}')
        return LocalImage(path=real, sha256=digest.hexdigest(), bytes=size, media_type=media_type)
