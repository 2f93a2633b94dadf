"""Output paths: what makes two of them one file."""

import hashlib
import unicodedata


def fold(path: str) -> str:
    """What two paths must not share: their form on a file system that ignores case and composition."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def path_key(path: str) -> bytes:
    """16 bytes over the folded path: equal for two paths that are the same file on some file system."""
    return hashlib.sha256(fold(path).encode("utf-8", "surrogatepass")).digest()[:16]
