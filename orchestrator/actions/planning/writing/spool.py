"""A place for a million checked jobs between the last check and the first write: a temporary file, not
memory.
"""

import marshal
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final, Self

from orchestrator.core.errors import UsageError

_LEVEL: Final = (
    1  # jobs of one manifest repeat most of their text: quick compression takes nine tenths of it away
)


class Spool:
    """Chunks of tuples of plain values in the order they came; what is read back is what was put in."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="orchestrator-apply-")  # noqa: SIM115 - closed by __exit__
        self._chunks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def put(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add one chunk; raises UsageError when the temporary folder cannot hold it."""
        try:
            marshal.dump(zlib.compress(marshal.dumps([tuple(row) for row in rows]), _LEVEL), self._file)
        except OSError as error:
            raise UsageError(
                f"The temporary folder {tempfile.gettempdir()} cannot hold the checked jobs "
                f"({error.strerror}). Free some space there, or name another folder in TMPDIR. Nothing was "
                "written and nothing was spent."
            ) from None
        self._chunks += 1

    def chunks(self) -> Iterator[list[tuple[Any, ...]]]:
        """Every chunk."""
        self._file.seek(0)
        for _ in range(self._chunks):
            packed = marshal.load(self._file)  # noqa: S302 - our own file
            yield marshal.loads(zlib.decompress(packed))  # noqa: S302
