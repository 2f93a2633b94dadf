"""References from a prompt to its pictures: `@Image1` is the first of `images` (docs:
kling-image-o3-edit).
"""

import re
from typing import Final

from orchestrator.catalogue.parameters import ParamIssue, Severity

_REFERENCE: Final = re.compile(r"@(image)[ _-]?(\d{1,4})", re.IGNORECASE)
_PROSE: Final = re.compile(
    r"(?<!@)\b(picture|image|photo)\s+#?(\d{1,2})\b(?!\s*(?:x|px|k|%|:)\b)", re.IGNORECASE
)


def check_references(name: str, prompt: str, images: int) -> list[ParamIssue]:
    """Issues of the references in a prompt that is sent with `images` pictures.

    `@Image3` with two pictures is an error: the provider would accept and bill it. "picture 3" may be prose,
    so it is a warning.
    """
    issues: list[ParamIssue] = []
    lowered = prompt.lower()
    if "@image" in lowered:
        for match in _REFERENCE.finditer(prompt):
            issues += _check_reference(name, match, images)
    if "picture" in lowered or "image " in lowered or "photo" in lowered:
        for match in _PROSE.finditer(prompt):
            number = int(match.group(2))
            if number > images:
                issues.append(
                    ParamIssue(
                        name=name,
                        message=f'says "{match.group(0)}", but there {_are(images)}',
                        hint=f"write {_names(images)} to name a picture" if images else "",
                        severity=Severity.WARNING,
                    )
                )
    return issues


def _check_reference(name: str, match: re.Match[str], images: int) -> list[ParamIssue]:
    number = int(match.group(2))
    if not 1 <= number <= images:
        hint = f"use {_names(images)}, or add the picture" if images else "add the picture"
        return [ParamIssue(name, f"{match.group(0)} is used, but there {_are(images)}", hint)]
    proper = f"@Image{number}"
    if match.group(0) != proper:
        message = f"{match.group(0)} may not be understood as a reference"
        return [ParamIssue(name=name, message=message, hint=f"write {proper}", severity=Severity.WARNING)]
    return []


def _names(images: int) -> str:
    return "@Image1" if images == 1 else f"@Image1 to @Image{images}"


def _are(images: int) -> str:
    match images:
        case 0:
            return "are no images"
        case 1:
            return "is only 1 image"
        case _:
            return f"are only {images} images"
