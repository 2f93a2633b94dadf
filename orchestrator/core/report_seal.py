"""What ties a file of verdicts to the report that it came from."""

import hashlib
from collections.abc import Iterable
from typing import Final

FIELD: Final = "\x1f"
RECORD: Final = "\x1e"
_BASIS: Final = 0x811C9DC5
_PRIME: Final = 0x01000193
_BITS: Final = 0xFFFFFFFF


def reference(run_id: int, job_id: int) -> str:
    """What a report calls a job by: it says nothing to who does not know the database."""
    return hashlib.sha256(f"{run_id}/{job_id}".encode()).hexdigest()[:16]


def seal(database: str, runs: str, records: Iterable[tuple[str, str, str, str]]) -> str:
    """A sum of 32 bits (FNV-1a) over reference, digest, verdict and note of each, as the page's script makes
    it: it shows that a file was edited by hand, and keeps nobody from doing so.
    """
    text = RECORD.join((database, runs, RECORD.join(FIELD.join(each) for each in records)))
    found = _BASIS
    for byte in text.encode("utf-8", "replace"):
        found = ((found ^ byte) * _PRIME) & _BITS
    return f"{found:08x}"
