"""The parts of the documentation that are made from the code. `make docs` rewrites them; a test fails when
they are old.

A part is between `<!-- generated: NAME -->` and `<!-- end -->`; its maker is the function of that name in
`MAKERS`.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs_commands import commands
from docs_folders import folders, rooms
from docs_keys import manifest, parameters, settings
from docs_outcomes import (
    attempt_states,
    ended_statuses,
    failed_codes,
    failure_texts_table,
    fetch_faults,
    job_states,
    refused_statuses,
    reservation_states,
    status_words,
    tick_states,
)
from sources import ROOT

DOCS: Final = ROOT / "docs"
PART: Final = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def refreshed(text: str) -> str:
    """The text with every generated part made anew."""
    return PART.sub(lambda part: f"{part[1]}\n{MAKERS[part[2]]().strip()}\n\n{part[3]}", text)


def pages() -> list[Path]:
    documents = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])
    return [page for page in documents if PART.search(page.read_text(encoding="utf-8"))]


MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    maker.__name__: maker
    for maker in (
        commands,
        settings,
        manifest,
        parameters,
        job_states,
        attempt_states,
        reservation_states,
        tick_states,
        failed_codes,
        ended_statuses,
        failure_texts_table,
        status_words,
        refused_statuses,
        fetch_faults,
        folders,
        rooms,
    )
}


def main() -> None:
    for page in pages():
        old = page.read_text(encoding="utf-8")
        new = refreshed(old)
        if new != old:
            page.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{page.name} was rewritten\n")


if __name__ == "__main__":
    main()
