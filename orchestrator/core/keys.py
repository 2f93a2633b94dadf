"""The job key: what makes two jobs the same job inside a run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

SCHEME_VERSION: Final = 1
PROVIDER: Final = "wavespeed"
_ENCODER: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def job_key(model: str, inputs: Mapping[str, Any], variation: int) -> str:
    """32 lowercase hex digits over provider, model, inputs, variation and scheme version.

    `inputs` are the billing-relevant parameters with defaults filled in and each local image replaced by
    `sha256:<hex>` of its bytes, so a renamed photo is the same job and a retouched one is not. The order of keys
    does not matter; text is taken as it is, without Unicode normalisation, because the provider sees it so.
    """
    return KeyStem(model, inputs).key(variation)


class KeyStem:
    """The part of a job's key that its variations share, so that it is hashed once for all of them.

    What is hashed is canonical JSON, its keys in alphabetical order, which puts the variation last.
    """

    __slots__ = ("_hash",)

    def __init__(self, model: str, inputs: Mapping[str, Any]) -> None:
        document = {"scheme": SCHEME_VERSION, "provider": PROVIDER, "model": model, "inputs": inputs}
        canonical = _ENCODER.encode(document)
        self._hash = hashlib.sha256(canonical[:-1].encode("utf-8", "surrogatepass"))

    def key(self, variation: int) -> str:
        """The key of one variation."""
        whole = self._hash.copy()
        whole.update(b',"variation":%d}' % variation)
        return whole.hexdigest()[:32]
