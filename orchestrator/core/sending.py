"""What a job sends: the parameters of its manifest, with hosted URLs where local images are written.

A worker sends by this rule, and whoever finds a paid task that no attempt knows compares it with the waiting
jobs by the same rule: if the two drifted apart, a task of ours would look like a stranger's, and its pictures
would be bought a second time.
"""

from collections.abc import Collection, Mapping
from typing import Any

from orchestrator.core.specs import PICTURE


def sent_inputs(params: Mapping[str, Any], hosted: Mapping[str, str]) -> dict[str, Any]:
    """`params` with the URL in place of every local image that `hosted` has one for, by its written name.

    A local image is a text parameter or an item of a list; an image that is not hosted stays as written.
    """
    return {name: _replaced(value, hosted) for name, value in params.items()}


def lacks_picture(inputs: Mapping[str, Any]) -> bool:
    """Whether an image is still written as the picture of another job: nothing may be sent so, because it
    would be paid for and show something else.
    """
    return any(isinstance(value, list) and mentions(value, (PICTURE,)) for value in inputs.values())


def mentions(value: Any, images: Collection[str]) -> bool:
    """Whether one parameter of a manifest names one of these local images."""
    if isinstance(value, list):
        return any(mentions(item, images) for item in value)
    return isinstance(value, str) and value in images


def _replaced(value: Any, hosted: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_replaced(item, hosted) for item in value]
    return hosted.get(value, value) if isinstance(value, str) else value
