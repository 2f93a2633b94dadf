"""Did-you-mean: the nearest known word to a misspelt one."""

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches
from typing import Final

_PREFIX_MIN: Final = 3
CHOICES_MAX: Final = 2_000  # comparing is quadratic; nobody reads a suggestion from a longer list


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like `word`, ignoring case; None when none is near."""
    folded: dict[str, str] = {}
    for choice in choices:
        folded.setdefault(choice.casefold(), choice)
        if len(folded) >= CHOICES_MAX:
            break
    target = word.casefold()
    if target in folded:
        return folded[target]
    found = get_close_matches(target, folded, n=1, cutoff=0.6)
    if found:
        return folded[found[0]]
    related = [name for name in folded if _one_starts_the_other(name, target)]
    if not related:
        return None
    return folded[max(related, key=lambda name: SequenceMatcher(None, name, target).ratio())]


def _one_starts_the_other(name: str, target: str) -> bool:
    shorter, longer = sorted((name, target), key=len)
    return len(shorter) >= _PREFIX_MIN and longer.startswith(shorter)


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """`did you mean "x"?`, or an empty text when nothing is near."""
    found = nearest(word, choices)
    return f'did you mean "{found}"?' if found is not None else ""


def listed(choices: Iterable[str], *, limit: int = 12) -> str:
    """`a, b, c` for a message; at most `limit` names, then how many more there are."""
    names = list(choices)
    if not names:
        return "(none)"
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
