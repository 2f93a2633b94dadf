"""A disk that forgets: what was written is there until the power goes, what was synced is there after it.

Contents become durable by syncing the file, names by syncing the folder they are in; nothing else helps. That
is less than most file systems do, and all that they promise.
"""

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from powerloss.trace import Call

TORN_BYTES = (512, 4096)

Write = tuple[int, bytes | None]
"""Offset and content; without content the file was cut to that length."""


@dataclass(eq=False)
class File:
    """Contents: what is durable, and the writes since, each with its place in the log."""

    durable: bytes = b""
    pending: list[tuple[int, Write]] = field(default_factory=list)

    def settle(self, before: int) -> None:
        """Writes that had ended before that place are durable now."""
        covered = [write for place, write in self.pending if place < before]
        self.durable = applied(self.durable, covered)
        del self.pending[: len(covered)]


@dataclass(eq=False)
class Folder:
    """A folder; its names are in the disk's own tables."""


Node = File | Folder
Image = dict[Path, bytes]


@dataclass
class _Naming:
    """A change of one name that its folder has not been synced for."""

    place: int
    path: Path
    node: Node | None  # None: the name goes


def applied(content: bytes, writes: Iterable[Write]) -> bytes:
    """The content after some writes."""
    result = bytearray(content)
    for offset, data in writes:
        if data is None:
            del result[offset:]
        result.extend(bytes(max(0, offset - len(result))))
        if data is not None:
            result[offset : offset + len(data)] = data
    return bytes(result)


class Disk:
    """Plays the calls of a process that works below `root`."""

    def __init__(self, root: Path, names: Sequence[str]) -> None:
        """Only files below `root` whose path starts with one of `names` are looked at; what is there is
        durable."""
        self._root = root
        self._names = tuple(str(root / name) for name in names)
        self._namings: list[_Naming] = []
        self._open: dict[int, tuple[Path, Node]] = {}
        self._places: dict[int, int] = {}
        found = [path for path in sorted(root.rglob("*")) if self._mine(path)]
        self._now: dict[Path, Node] = {
            path: Folder() if path.is_dir() else File(path.read_bytes()) for path in (root, *found)
        }
        self._durable = dict(self._now)
        self._handlers: dict[str, Callable[[Call], bool | None]] = {
            "openat": self._openat,
            "close": self._close,
            "write": self._write,
            "pwrite64": self._pwrite,
            "lseek": self._seek,
            "ftruncate": self._truncate,
            **dict.fromkeys(("fsync", "fdatasync"), self._sync),
            **dict.fromkeys(("link", "linkat"), self._link),
            **dict.fromkeys(("rename", "renameat", "renameat2"), self._move),
            **dict.fromkeys(("unlink", "unlinkat", "rmdir"), self._unlink),
            **dict.fromkeys(("mkdir", "mkdirat"), self._make_folder),
        }

    def play(self, call: Call) -> bool:
        """Take one call in; True when it made something durable."""
        handler = self._handlers.get(call.name)
        if handler is not None:
            return bool(handler(call))
        numbers = call.numbers()
        assert call.name in _HARMLESS or not numbers or numbers[0] not in self._open, (
            f"{call} is not understood"
        )
        return False

    def is_sync(self, call: Call) -> bool:
        """Whether this call makes something durable."""
        return call.name in {"fsync", "fdatasync"} and call.numbers()[0] in self._open

    # --- images ---------------------------------------------------------------------------------------------

    def dropped(self) -> Image:
        """Nothing that was not synced is there."""
        return self._image(self._durable, lambda file: file.durable)

    def torn(self, dice: random.Random) -> Image:
        """Some of what was not synced is there: any sectors of any writes, the first of each folder's new
        names."""
        sector = dice.choice(TORN_BYTES)
        names = dict(self._durable)
        folders = {naming.path.parent for naming in self._namings}
        kept = {folder: dice.random() for folder in sorted(folders)}
        for folder in sorted(folders):
            changes = [naming for naming in self._namings if naming.path.parent == folder]
            for naming in changes[: round(kept[folder] * len(changes))]:
                _rename(names, naming)
        share = dice.random()

        def content(file: File) -> bytes:
            pieces = [piece for _, write in file.pending for piece in _sectors(write, sector)]
            return applied(file.durable, [piece for piece in pieces if dice.random() < share])

        return self._image(names, content)

    def _image(self, names: dict[Path, Node], content: Callable[[File], bytes]) -> Image:
        def reachable(path: Path) -> bool:
            parents = path.relative_to(self._root).parents
            return all(isinstance(names.get(self._root / parent), Folder) for parent in parents)

        return {
            path: content(node) for path, node in names.items() if isinstance(node, File) and reachable(path)
        }

    # --- calls ----------------------------------------------------------------------------------------------

    def _openat(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is None:
            self._open.pop(call.result, None)
            return
        if path not in self._now:
            assert "O_CREAT" in call.words, f"{path} was opened, and is not known"
            self._name(call, path, File())
        node = self._now[path]
        if "O_TRUNC" in call.words and isinstance(node, File):
            node.pending.append((call.ended, (0, None)))
        self._open[call.result] = (path, node)
        self._places[call.result] = 0

    def _close(self, call: Call) -> None:
        self._open.pop(call.numbers()[0], None)

    def _pwrite(self, call: Call) -> None:
        descriptor, *_, offset = call.numbers()
        self._written(call, descriptor, (offset, call.texts[0][: call.result]))

    def _write(self, call: Call) -> None:
        descriptor = call.numbers()[0]
        if descriptor in self._open:
            self._written(call, descriptor, (self._places[descriptor], call.texts[0][: call.result]))
            self._places[descriptor] += call.result

    def _seek(self, call: Call) -> None:
        self._places[call.numbers()[0]] = call.result

    def _truncate(self, call: Call) -> None:
        descriptor, length = call.numbers()
        self._written(call, descriptor, (length, None))

    def _sync(self, call: Call) -> bool:
        """Only what had ended when the sync began is sure to be durable."""
        path, node = self._open.get(call.numbers()[0], (None, None))
        if isinstance(node, Folder):
            mine = [
                naming for naming in self._namings if naming.path.parent == path and naming.place < call.began
            ]
            for naming in mine:
                _rename(self._durable, naming)
                self._namings.remove(naming)
        elif node is not None:
            node.settle(call.began)
        return node is not None

    def _link(self, call: Call) -> None:
        source, target = self._path(call.texts[0]), self._path(call.texts[1])
        if source is not None and target is not None:
            self._name(call, target, self._now[source])

    def _move(self, call: Call) -> None:
        self._link(call)
        self._unlink(call)

    def _unlink(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is not None and path in self._now:
            self._name(call, path, None)

    def _make_folder(self, call: Call) -> None:
        path = self._path(call.texts[0])
        if path is not None:
            self._name(call, path, Folder())

    def _name(self, call: Call, path: Path, node: Node | None) -> None:
        naming = _Naming(call.ended, path, node)
        _rename(self._now, naming)
        self._namings.append(naming)

    def _written(self, call: Call, descriptor: int, write: Write) -> None:
        _, node = self._open.get(descriptor, (None, None))
        if isinstance(node, File):
            node.pending.append((call.ended, write))

    def _path(self, text: bytes) -> Path | None:
        path = self._root / text.decode()
        return path if path == self._root or self._mine(path) else None

    def _mine(self, path: Path) -> bool:
        return str(path).startswith(self._names) and not path.name.endswith("-shm")


_HARMLESS = frozenset({"sendto", "sendmsg", "recvfrom", "recvmsg"})
"""Any other call on a file of ours that is not modelled is an error."""


def _rename(names: dict[Path, Node], naming: _Naming) -> None:
    if naming.node is None:
        names.pop(naming.path, None)
    else:
        names[naming.path] = naming.node


def _sectors(write: Write, sector: int) -> list[Write]:
    offset, data = write
    if data is None:
        return [write]
    edges = [0, *range(sector - offset % sector, len(data), sector), len(data)]
    return [
        (offset + start, data[start:end]) for start, end in zip(edges, edges[1:], strict=False) if start < end
    ]
