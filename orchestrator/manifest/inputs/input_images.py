"""Local input pictures: found, checked and named by their bytes.

An upload makes a picture public, so a manifest may name only files below its own folder or a configured input
root, after symbolic links are resolved; anything that is not a regular picture file is refused. So is what
the model does not take: a paid task that fails over its picture holds money for hours, and brings nothing.
"""

import hashlib
import os
import stat
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from typing import Final

from orchestrator.catalogue import InputRules
from orchestrator.catalogue.images import MEGABYTE, SNIFF_BYTES, formats, sniff
from orchestrator.core.addresses import Nearness, is_out_of_reach
from orchestrator.core.specs import LocalImage
from orchestrator.manifest.inputs.picture_facts import HEIC, PictureReader, opener
from orchestrator.manifest.inputs.picture_rules import (
    SCHEME,
    Flaw,
    PictureVerdict,
    Remark,
    judge,
    recipe_of,
    too_heavy,
)
from orchestrator.manifest.inputs.pixels import PixelDigests
from orchestrator.manifest.tables.nearest_files import closest_file, same_but_for_unicode
from orchestrator.manifest.templating.template_problems import TemplateProblem

_CACHE_MAX: Final = 100_000
_RECENT_MAX: Final = 10_000
_THREADS: Final = 4
"""Pictures that are decoded at one time; decoders and digests release the interpreter lock."""

_CHUNK: Final = 1 << 20
_CONVERTED_BYTES_MAX: Final = 200 * MEGABYTE
"""The largest file that is converted to a smaller one."""

_NORMALIZE: Final = "or set `inputs: {normalize: true}` in the configuration: then a copy is converted"


def keyed_as(image: LocalImage) -> str:
    """How the job key sees a picture: by the bytes of its file, or with `compare: pixels` by what it shows,
    and the scheme by which it is converted.

    Not by the converted bytes: another release of an image library would make them anew, and buy everything
    again.
    """
    seen = image.shown or f"sha256:{image.sha256}"
    return f"{seen}+n{SCHEME}" if image.recipe else seen


class Pictures:
    """Finds local pictures for one manifest; each distinct file is read once."""

    def __init__(
        self,
        folder: Path,
        input_roots: Sequence[Path],
        rules: InputRules,
        *,
        normalize: bool = False,
        pixels: PixelDigests | None = None,
        api: Nearness = Nearness.LOOPBACK,
    ) -> None:
        """With `pixels`, pictures are told apart by what they show. `api` is how near the provider is, who
        has to get what URLs name.
        """
        self.pixels = pixels
        self._folder = folder
        self._roots = [Path(os.path.realpath(root)) for root in (folder, *input_roots)]
        self._rules = rules
        self.normalize = normalize
        self._api = api
        self._reader = PictureReader()
        self._known: dict[str, tuple[int, int, LocalImage, Sequence[Remark]]] = {}
        self._recent: dict[str, LocalImage] = {}
        self._remarked: set[str] = set()
        self._remarks: list[tuple[Remark, str]] = []
        self.converted = 0  # distinct files in this pass
        self._coming: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(_THREADS, "pictures")  # its threads begin with the first picture

    def begin_pass(self) -> None:
        """Check each file again: one may have been retouched since."""
        self._recent.clear()
        self._remarked.clear()
        self._remarks.clear()
        self._coming.clear()
        self.converted = 0

    def find(self, text: str) -> LocalImage:
        """The picture that `text` names, relative to the manifest; raises TemplateProblem."""
        image = self._recent.get(text)
        if image is None:
            image = self._look(text)
            if len(self._recent) >= _RECENT_MAX:
                self._recent.clear()
            self._recent[text] = image
        return image

    def check_url(self, text: str) -> None:
        """Raises TemplateProblem for a URL, checked otherwise, that the provider cannot get anything from."""
        if is_out_of_reach(text, self._api):
            raise TemplateProblem(
                f'"{text}" is on this machine or in its network, where the provider cannot get it',
                "name the local file, which is uploaded, or an https URL that everybody can reach",
            )

    def look_ahead(self, text: str) -> None:
        """Begin to decode a picture that `find` will be asked for soon."""
        if text not in self._coming and text not in self._recent:
            if len(self._coming) >= _RECENT_MAX:
                self._coming.clear()
            self._coming[text] = self._pool.submit(self._decode_early, text)

    def _decode_early(self, text: str) -> None:
        """What `find` does, without a word: it remembers what is decoded, and the rest is cheap."""
        with suppress(OSError, ValueError, TemplateProblem):
            real = os.path.realpath(self._folder / text)
            facts = Path(real).stat()
            known = self._known.get(real)
            is_known = known is not None and known[:2] == (facts.st_mtime_ns, facts.st_size)
            if not is_known and any(Path(real).is_relative_to(root) for root in self._roots):
                self._read(text, real, facts)

    def take_remarks(self) -> list[tuple[Remark, str]]:
        """What is worth saying of the pictures found since it was last asked: each file once in a pass."""
        if not self._remarks:
            return []
        taken, self._remarks = self._remarks, []
        return taken

    def _look(self, text: str) -> LocalImage:
        if "\x00" in text:
            raise TemplateProblem("a file name cannot hold a NUL character")
        path = self._folder / text
        if not path.exists():
            path = same_but_for_unicode(path) or path
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
        if (coming := self._coming.get(text)) is not None:
            wait([coming])
        known = self._known.get(real)
        if known is None or known[:2] != (facts.st_mtime_ns, facts.st_size):
            known = (facts.st_mtime_ns, facts.st_size, *self._read(text, real, facts))
            if len(self._known) < _CACHE_MAX:
                self._known[real] = known
        if known[3] and real not in self._remarked:
            self._remarked.add(real)
            self._remarks += [(remark, text) for remark in known[3]]
            self.converted += bool(known[2].recipe)
        return known[2]

    def _read(self, text: str, real: str, facts: os.stat_result) -> tuple[LocalImage, Sequence[Remark]]:
        if not stat.S_ISREG(facts.st_mode):
            kind = "a folder" if stat.S_ISDIR(facts.st_mode) else "not a regular file"
            hint = "is a cell empty that names the picture?" if text.endswith("/") else ""
            raise TemplateProblem(f'"{text}" is {kind}; expected a picture', hint)
        limit = _CONVERTED_BYTES_MAX if self.normalize else self._rules.bytes_max
        if facts.st_size > limit:
            raise self._refused(text, PictureVerdict([too_heavy(facts.st_size, self._rules)], []))
        try:
            head, size, sha256 = _digest(real, limit)
            media_type = self._media_type(text, head, size)
            found = self._reader.facts(Path(real), sha256, media_type)
        except OSError as error:
            raise TemplateProblem(f'"{text}" cannot be read: {error.strerror or error}') from None
        verdict = judge(facts=found, media_type=media_type, size=size, rules=self._rules)
        if verdict.flaws and not (self.normalize and verdict.mendable):
            raise self._refused(text, verdict)
        recipe = recipe_of(verdict, self._rules) if self.normalize else ""
        shown = self.pixels.of(Path(real), facts, media_type, sha256=sha256) if self.pixels else ""
        image = LocalImage(
            path=real, sha256=sha256, bytes=size, media_type=media_type, recipe=recipe, shown=shown
        )
        mended = [flaw.remark for flaw in verdict.flaws if flaw.remark is not None]
        return image, [*verdict.remarks, *mended]

    def _media_type(self, text: str, head: bytes, size: int) -> str:
        """The format by the first bytes; raises TemplateProblem for one that nothing here decodes."""
        media_type = sniff(head)
        expected = formats(self._rules.media_types)
        if media_type is None:
            what = "is empty" if not size else "is not a picture we know by its content"
            raise TemplateProblem(f'"{text}" {what}; expected {expected}')
        if media_type == HEIC and not self.normalize:
            flaw = Flaw(f"is HEIC, an iPhone photo; expected {expected}", Remark.FORMAT)
            raise self._refused(text, PictureVerdict([flaw], []))
        if opener(media_type) is None:
            raise TemplateProblem(
                f'"{text}" is HEIC, an iPhone photo, and no library for it is installed; expected {expected}',
                'install "orchestrator[heic]", or export it as JPEG',
            )
        return media_type

    def _refused(self, text: str, verdict: PictureVerdict) -> TemplateProblem:
        """Everything that is wrong with one picture, and what can be done about it."""
        words = "; it ".join(flaw.message for flaw in verdict.flaws)
        if self.normalize or not verdict.mendable:
            return TemplateProblem(f'"{text}" {words}')
        return TemplateProblem(f'"{text}" {words}', f"change it, {_NORMALIZE}")


def _digest(real: str, limit: int) -> tuple[bytes, int, str]:
    """The first bytes of a file, how many there are (up to more than `limit`), and their digest."""
    digest = hashlib.sha256()
    size = 0
    with Path(real).open("rb") as stream:
        head = stream.read(SNIFF_BYTES)
        chunk = head
        while chunk and size <= limit:
            size += len(chunk)
            digest.update(chunk)
            chunk = stream.read(_CHUNK)
    return head, size, digest.hexdigest()
