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
    document = {
        "scheme": SCHEME_VERSION,
        "provider": PROVIDER,
        "model": model,
        "inputs": inputs,
        "variation": variation,
    }
    canonical = _ENCODER.encode(document)
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]
