"""The job key: what makes two jobs the same job inside a run."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Final

SCHEME_VERSION: Final = 1
PROVIDER: Final = "wavespeed"
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def job_key(model: str, inputs: Mapping[str, Any], variation: int) -> str:
    """32 lowercase hex digits over provider, model, inputs, variation and scheme version.

    `inputs` are the billing-relevant parameters with defaults filled in and each local image replaced by
    `sha256:<hex>` of its bytes, so a renamed photo is the same job and a retouched one is not. The order of
    keys does not matter; text is taken as it is, without Unicode normalisation, because the provider sees it
    so.
    """
    return KeyForm(model, inputs).stem({}).key(variation)


def redo_key(of: str, which: str) -> str:
    """The key of a further try of the job with key `of`; `which` tells its tries apart.

    What is hashed begins otherwise than what `job_key` hashes, so that no further variation of a manifest,
    and no edit of it, ever has the same key.
    """
    return hashlib.sha256(f"redo\n{of}\n{which}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


class KeyForm:
    """The keys of jobs that share a model and most inputs: what they share is encoded and hashed once.

    What is hashed is canonical JSON: no white space, its keys in alphabetical order, which puts the inputs
    first and the variation last.
    """

    __slots__ = ("_after", "_names", "_start")

    def __init__(self, model: str, fixed: Mapping[str, Any], varying: Collection[str] = ()) -> None:
        self._names: list[str] = []
        pieces = ['{"inputs":{']
        for position, name in enumerate(sorted({*fixed, *varying})):
            pieces[-1] += f"{',' if position else ''}{encoded(name)}:"
            if name in varying:
                self._names.append(name)
                pieces.append("")
            else:
                pieces[-1] += encoded(fixed[name])
        shared = {"model": model, "provider": PROVIDER, "scheme": SCHEME_VERSION}
        pieces[-1] += f"}},{encoded(shared)[1:-1]}"
        self._start = hashlib.sha256(pieces[0].encode("utf-8", "surrogatepass"))
        self._after = pieces[1:]

    def stem(self, values: Mapping[str, str]) -> "KeyStem":
        """What the variations of one job share; `values` are the varying inputs by name, each as `encoded`
        has it.
        """
        found = self._start.copy()
        text = "".join([values[name] + after for name, after in zip(self._names, self._after, strict=True)])
        found.update(text.encode("utf-8", "surrogatepass"))
        return KeyStem(found)


class KeyStem:
    """The part of a job's key that its variations share."""

    __slots__ = ("_hash",)

    def __init__(self, found: "hashlib._Hash") -> None:
        self._hash = found

    def key(self, variation: int) -> str:
        """The key of one variation."""
        whole = self._hash.copy()
        whole.update(b',"variation":%d}' % variation)
        return whole.hexdigest()[:32]


def encoded(value: Any) -> str:
    """A value as canonical JSON."""
    return _ENCODER.encode(value)
