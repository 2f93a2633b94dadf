"""Output paths: relative, portable, inside the output root, one for each picture."""

import re
from collections.abc import Callable
from typing import Final

from orchestrator.core.paths import EXTENSIONS, PART_BYTES_MAX, QUARANTINE

PATH_BYTES_MAX: Final = 1024

_RESERVED: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3])(?:\.|\Z)", re.IGNORECASE
)
_FORBIDDEN: Final = re.compile(r'[\x00-\x1f\x7f-\x9f\\:*?"<>|\u200e\u200f\u202a-\u202e\u2066-\u2069]')
_PLAIN: Final = re.compile(
    r"(?:(?![. ]|(?:con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$|clock\$)(?:\.|/|\Z))"
    r"[A-Za-z0-9_.,+=@()!#$%&'^~ -]{1,240}(?<![. ])(?:/(?=.)|\Z))+\Z",
    re.IGNORECASE,
)
_ENDINGS: Final = tuple(ending for fitting in EXTENSIONS.values() for ending in fitting)


def path_problem(path: str) -> tuple[str, str] | None:
    """What is wrong with an output path and a hint, or None."""
    if (
        len(path) <= PATH_BYTES_MAX
        and path.endswith(_ENDINGS)
        and _PLAIN.match(path)
        and path[:10].lower() != QUARANTINE
    ):
        return None
    return _explain(path)


def _explain(path: str) -> tuple[str, str] | None:
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        return "the output path holds half of a character (a lone surrogate)", "use | slug"
    if not path or size > PATH_BYTES_MAX:
        return f"the output path has {size} bytes; 1 to {PATH_BYTES_MAX} are allowed", ""
    if path.startswith("/"):
        return f'"{path}" is an absolute path; output paths are relative to the output root', ""
    parts = path.split("/")
    rules = ((message, hint) for part in parts for wrong, message, hint in _PART_RULES if wrong(part))
    found = next(rules, None) or _ends_problem(parts)
    return (f'"{path}" {found[0]}', found[1]) if found else None


def _ends_problem(parts: list[str]) -> tuple[str, str] | None:
    if parts[0].casefold() == QUARANTINE:
        return f'starts with "{QUARANTINE}/", where flagged pictures are kept', "use another folder"
    if not parts[-1].lower().endswith(_ENDINGS):
        return "does not end with a picture's extension", 'end the template with ".{{ ext }}"'
    return None


_PART_RULES: Final[tuple[tuple[Callable[[str], object], str, str], ...]] = (
    (
        lambda part: part in {".", ".."},
        'has a part "." or ".."; output paths never leave the output root',
        "use | slug on the value",
    ),
    (lambda part: not part.strip(), "has an empty part", "is a value empty? use | default or | slug"),
    (
        _FORBIDDEN.search,
        'holds a control character or one of : * ? " < > | \\, which not every file system takes',
        "use | slug on the value",
    ),
    (lambda part: part[0] in ". ", "has a part that starts with a dot or a space", "use | slug on the value"),
    (lambda part: part[-1] in ". ", "has a part that ends with a dot or a space", "use | slug or | trim"),
    (_RESERVED.match, "has a part that is a reserved name on Windows", "put another word in front"),
    (
        lambda part: len(part.encode()) > PART_BYTES_MAX,
        f"has a part longer than {PART_BYTES_MAX} bytes",
        "shorten it, or use | slug",
    ),
)
