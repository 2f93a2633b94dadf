"""What files say of the fleet's caps and limits: who is asked before a looser word counts, what is told."""

import shlex
import sys
from collections.abc import Sequence

import click

from orchestrator.actions.operator.fleet_words import FileWords, FleetDifference
from orchestrator.app import App
from orchestrator.cli import out
from orchestrator.cli.base import options
from orchestrator.cli.rendering.words import safe
from orchestrator.core.precedence import Weight
from orchestrator.manifest import Manifest


def file_words(app: App, manifests: Sequence[Manifest] = ()) -> FileWords:
    """What the configuration and these manifests say, with the options that named the configuration."""
    config = options().config
    given = f" --config {shlex.quote(str(config))}" if config else ""
    return FileWords(app.settings, [manifest.spec for manifest in manifests], given)


def agreed(app: App, words: FileWords, *, attended: bool = True, sandbox: bool = False) -> frozenset[object]:
    """The looser words that count all the same: those that a person at the terminal agrees to, in one
    question; all of them in the sandbox, where nothing costs anything.
    """
    with app.database.read() as tx:
        for sentence in words.no_longer_named(tx):
            out.warn(safe(sentence))
        looser = [item for item in words.differences(tx) if item.weight is Weight.LOOSER]
    if sandbox:
        return frozenset(item.key for item in looser)
    if not looser or not attended or not sys.stdin.isatty():
        return frozenset()
    out.note(_question(looser))
    them = "it" if len(looser) == 1 else "them"
    answer = click.prompt(f"Type y to raise {them}", default="n", show_default=False, err=True)
    said_yes = answer.strip().lower() in {"y", "yes"}
    return frozenset(item.key for item in looser) if said_yes else frozenset()


def tell(differences: Sequence[FleetDifference]) -> None:
    """Say which words count from now on, and which do not and what decides about them."""
    for item in differences:
        if item.weight in {Weight.LOOSER, Weight.OVERRULED}:
            out.warn(safe(item.sentence))
        elif item.weight is Weight.STRICTER:
            out.note(safe(item.sentence))


def _question(looser: Sequence[FleetDifference]) -> str:
    if len(looser) == 1:
        (item,) = looser
        return safe(f"{item.said_by} raises {item.raises}, for everybody who works on this database.")
    lines = [f"  {item.said_by} raises {item.raises}" for item in looser]
    return "\n".join(["For everybody who works on this database:", *map(safe, lines)])
