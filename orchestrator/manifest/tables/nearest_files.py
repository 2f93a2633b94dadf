"""The file that was meant, when the one that is named is not there."""

import unicodedata
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import islice
from pathlib import Path, PurePath
from typing import Final

from orchestrator.core.suggest import nearest

ENTRIES_MAX: Final = 20_000
"""How many names of a folder are looked at: a search must end in a folder of a million pictures, too."""


def closest_file(path: Path) -> str:
    """A hint that names the existing file most like a missing one."""
    if "\\" in path.name and (turned := Path(str(path).replace("\\", "/"))) != path and turned.is_file():
        return "write / between folders, not \\"
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    found = _listing(folder).best(path.name)
    return f"closest existing file: {folder / found}" if found else f"nothing in {folder} has a similar name"


def best_name(wanted: str, names: Iterable[str]) -> str | None:
    """The name most like `wanted`: the same but for its case, its accents' spelling or its ending first; then
    a similar one with the same numbers, since another number is another product.
    """
    return _Listing(names).best(wanted)


def same_but_for_unicode(path: Path) -> Path | None:
    """The one file that differs from a missing one in nothing that can be seen: ö in one code point or in
    two, a no-break space or hyphen for a plain one, an invisible character.
    """
    if path.name.isascii() and not path.parent.is_dir():
        return None
    try:
        found = _listing(path.parent).seen.get(_seen(path.name), ())
    except OSError:
        return None
    return path.parent / found[0] if len(found) == 1 else None


class _Listing:
    """The names of one folder, by each way in which they can be alike: a table may name thousands of files
    that are not there, in a folder of thousands that are.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def best(self, wanted: str) -> str | None:
        for alike, known in ((folded, self._folded), (_stem, self._stems), (_bare, self._bares)):
            if found := known.get(alike(wanted)):
                return min(found)
        return nearest(wanted, self._numbered.get(_numbers(wanted), ()))

    @cached_property
    def seen(self) -> Mapping[Hashable, Sequence[str]]:
        return _by(_seen, self._names)

    @cached_property
    def _folded(self) -> Mapping[Hashable, Sequence[str]]:
        return _by(folded, self._names)

    @cached_property
    def _stems(self) -> Mapping[Hashable, Sequence[str]]:
        return _by(_stem, self._names)

    @cached_property
    def _bares(self) -> Mapping[Hashable, Sequence[str]]:
        return _by(_bare, self._names)

    @cached_property
    def _numbered(self) -> Mapping[Hashable, Sequence[str]]:
        return _by(_numbers, self._names)


def _by(alike: Callable[[str], Hashable], names: Iterable[str]) -> dict[Hashable, list[str]]:
    found: dict[Hashable, list[str]] = {}
    for name in names:
        found.setdefault(alike(name), []).append(name)
    return found


def _listing(folder: Path) -> _Listing:
    """What is in a folder now; read again only when the folder has changed."""
    return _read(folder, folder.stat().st_mtime_ns)


@lru_cache(maxsize=16)
def _read(folder: Path, _changed_ns: int) -> _Listing:
    return _Listing(entry.name for entry in islice(folder.iterdir(), ENTRIES_MAX))


def folded(name: str) -> str:
    """A name without what people do not see or mind: composition, invisible characters, case."""
    return _seen(name).casefold()


def _seen(name: str) -> str:
    text = unicodedata.normalize("NFC", name)
    text = text.replace("\u2010", "-").replace("\u2011", "-")
    return " ".join("".join(char for char in text if unicodedata.category(char) != "Cf").split())


def _stem(name: str) -> str:
    return folded(PurePath(name).stem)


def _bare(name: str) -> str:
    """Letters and digits of the stem alone, in small letters and without accents."""
    text = unicodedata.normalize("NFKD", PurePath(name).stem.casefold())
    return "".join(char for char in text if char.isalnum())


def _numbers(name: str) -> tuple[str, ...]:
    """The runs of digits in a name's stem, without leading zeros."""
    stem = PurePath(name).stem
    runs = "".join(char if char.isdigit() else " " for char in stem).split()
    return tuple(run.lstrip("0") for run in runs)
