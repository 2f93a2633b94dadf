"""What a sidecar says, read strictly: it is a file that anybody may have changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.core.keys import job_key
from orchestrator.core.sending import sent_inputs

NEWEST: Final = 2
"""The format that this program writes."""


class SidecarError(ValueError):
    """It does not say what is needed; the text says what is off."""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """Which run a picture was made for."""

    campaign: str
    name: str
    run_key: str


def run_of(said: Mapping[str, Any]) -> RunIdentity | None:
    """The run; None where an older program wrote the sidecar, which did not say."""
    named = [text for name in ("campaign", "name", "run") if isinstance(text := said.get(name), str) and text]
    return RunIdentity(*named) if len(named) == 3 else None  # noqa: PLR2004 - of three


def key_of(said: Mapping[str, Any], variation: int | None = None) -> str | None:
    """The job key: as written, else worked out from what was asked for under that variation; None when
    neither can be.
    """
    written = said.get("key")
    if isinstance(written, str) and written:
        return written
    model, params, images = said.get("model"), said.get("params"), said.get("local_images", {})
    if variation is None or not isinstance(model, str) or not isinstance(params, dict):
        return None
    if not isinstance(images, dict):
        return None
    inputs = sent_inputs(params, {name: f"sha256:{digest}" for name, digest in images.items()})
    return job_key(model, inputs, variation)
