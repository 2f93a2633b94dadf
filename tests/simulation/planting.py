"""How a bug is planted, and taken out again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

Patch = Callable[[Any, str, Any], None]
"""Puts a value in the place of an attribute, until the bug is taken out again."""


@dataclass(frozen=True)
class Mutation:
    """What is broken, by which patches, and the theme whose seeds are to notice it."""

    name: str
    apply: Callable[[Patch], None]
    theme: str
    first: int = 1  # the seed to begin with: one that is known to notice saves time
    database: str = "sqlite"


@contextmanager
def planted(mutation: Mutation) -> Iterator[None]:
    """The code with this bug in it."""
    kept: list[tuple[Any, str, Any]] = []

    def patch(target: Any, name: str, value: Any) -> None:
        kept.append(
            (target, name, target.__dict__[name] if isinstance(target, type) else getattr(target, name))
        )
        setattr(target, name, value)

    mutation.apply(patch)
    try:
        yield
    finally:
        for target, name, value in reversed(kept):
            setattr(target, name, value)
