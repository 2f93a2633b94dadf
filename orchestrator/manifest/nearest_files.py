"""The file that was meant, when the one that is named is not there."""

import unicodedata
from collections.abc import Iterable
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
    found = best_name(path.name, _names(folder))
    return f"closest existing file: {folder / found}" if found else f"nothing in {folder} has a similar name"


def best_name(wanted: str, names: Iterable[str]) -> str | None:
    """The name most like `wanted`: the same but for its case, its accents' spelling or its ending first; then
    a similar one with the same numbers, since another number is another product.
    """
    known = list(names)
    for alike in (folded, _stem, _bare):
        if (same := alike(wanted)) and (found := [name for name in known if alike(name) == same]):
            return min(found)
    numbers = _numbers(wanted)
    return nearest(wanted, (name for name in known if _numbers(name) == numbers))


def same_but_for_unicode(path: Path) -> Path | None:
    """The one file that differs from a missing one in nothing that can be seen: ö in one code point or in
    two, a no-break space or hyphen for a plain one, an invisible character.
    """
    if path.name.isascii() and not path.parent.is_dir():
        return None
    wanted = _seen(path.name)
    try:
        found = [name for name in _names(path.parent) if _seen(name) == wanted]
    except OSError:
        return None
    return path.parent / found[0] if len(found) == 1 else None


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


def _numbers(name: str) -> list[str]:
    """The runs of digits in a name's stem, without leading zeros."""
    stem = PurePath(name).stem
    runs = "".join(char if char.isdigit() else " " for char in stem).split()
    return [run.lstrip("0") for run in runs]


def _names(folder: Path) -> list[str]:
    names: list[str] = []
    for entry in folder.iterdir():
        names.append(entry.name)
        if len(names) >= ENTRIES_MAX:
            break
    return names
