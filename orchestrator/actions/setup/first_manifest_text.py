"""A first manifest as text: what was guessed, in a form that a person goes on with."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from orchestrator.actions.setup.guesses import TableGuess
from orchestrator.core.money import format_usd
from orchestrator.core.suggest import listed
from orchestrator.manifest.combining.odd_columns import reference
from orchestrator.manifest.tables.tables import Skipped

MODEL: Final = "kwaivgi/kling-image-o3/edit"
SCENES: Final = ("sunlit kitchen table", "plain studio background")
AXIS: Final = "product"

CENT: Final = 10_000
_REASONS_NAMED: Final = 20


@dataclass(frozen=True)
class Draft:
    """What a first manifest says, before it is text."""

    name: str
    photos: str  # their folder, relative to the manifest
    endings: Sequence[str] = ()  # of the pictures, without a table
    deep: bool = False  # the pictures are in folders of the folder
    called: str = "stem"  # the column of a file that tells them apart
    table: tuple[str, TableGuess] | None = None  # its file, relative to the manifest
    skip: Sequence[Skipped] = ()
    exclude: Sequence[Skipped] = ()  # names of files that cannot be used, in `reason` their names
    budget_micros: int = 0


def draft_text(draft: Draft) -> str:
    """The manifest as YAML."""
    table = _table_lines(draft) if draft.table else _glob_lines(draft)
    lines = [
        "# Written by `orchestrator init --from`. Change the scenes and the prompt to what you want, then:",
        "#",
        f"#   orchestrator plan {draft.name}.yaml            what it would do and cost; spends nothing",
        f"#   orchestrator run {draft.name}.yaml --sandbox   try it without a key",
        "version: 1",
        f"name: {_quoted(draft.name)}",
        f"model: {MODEL}",
        f"budget: {format_usd(draft.budget_micros or CENT)} # US dollars; nothing is admitted beyond it",
        "",
        "matrix: # every combination is a job",
        *table,
        f"  scene: [{', '.join(SCENES)}]",
        "",
        *_exclude_lines(draft),
        "params: # what is sent; {{ ... }} is filled in for each job",
        "  prompt: >-",
        f"    Place {_what(draft)} of @Image1 on a {{{{ scene }}}}, soft natural light;",
        "    keep its shape, colours and labels.",
        f"  images: [{_quoted(_image(draft))}] # relative to this file",
        "",
        f"output: {_quoted(_output(draft))}",
        f"tags: {{ sku: {_quoted(f'{{{{ {_called(draft)} }}}}')} }}",
    ]
    return "\n".join(lines) + "\n"


def _table_lines(draft: Draft) -> list[str]:
    assert draft.table is not None
    file, guess = draft.table
    rules = [_quoted(f"empty {guess.name}")] if guess.name != guess.photo.name else []
    rules.append(_quoted(f"missing file {guess.photo.name}"))
    numbered = [row for row in draft.skip if not _ruled(row, guess)]
    lines = [f"  {AXIS}: # each row; its columns are {AXIS}.NAME", f"    {guess.kind}: {_quoted(file)}"]
    if guess.delimiter:
        lines.append(f"    delimiter: {_quoted(guess.delimiter)}")
    lines += ["    skip: # rows to leave out; `plan` lists them", *(f"      - {rule}" for rule in rules)]
    return lines + [f"      - {row.number} # {_comment(row.reason)}" for row in numbered]


def _ruled(row: Skipped, guess: TableGuess) -> bool:
    """Whether a row is left out by the rules about its columns, whatever its number."""
    columns = (guess.name, guess.photo.name)
    return row.reason in {f"column {column} is empty" for column in columns} or row.reason.startswith(
        "there is no file"
    )


def _glob_lines(draft: Draft) -> list[str]:
    folder = "" if draft.photos == "." else f"{glob.escape(draft.photos)}/"
    ending = draft.endings[0] if len(draft.endings) == 1 else f"{{{','.join(draft.endings)}}}"
    pattern = f"{folder}{'**/' if draft.deep else ''}*.{ending}"
    return [f"  {AXIS}: {{ glob: {_quoted(pattern)} }} # each file: {AXIS}.path, .name and .stem"]


def _exclude_lines(draft: Draft) -> list[str]:
    if not draft.exclude:
        return []
    lines = ["exclude: # files that cannot be used as they are"]
    for one in draft.exclude:
        name, _newline, reason = one.reason.partition("\n")
        lines.append(f"  - {{ {AXIS}: {{ name: {_quoted(name)} }} }} # {_comment(reason)}")
    return [*lines, ""]


def _what(draft: Draft) -> str:
    if draft.table is None or draft.table[1].title is None:
        return "the product"
    return f'the {{{{ {reference(AXIS, draft.table[1].title)} | default("product") }}}}'


def _image(draft: Draft) -> str:
    if draft.table is None:
        return f"{{{{ {AXIS}.path }}}}"
    photo = draft.table[1].photo
    return f"{photo.before}{{{{ {reference(AXIS, photo.name)} }}}}{photo.after}"


def _called(draft: Draft) -> str:
    return reference(AXIS, draft.table[1].name if draft.table else draft.called)


def _output(draft: Draft) -> str:
    return "{{ campaign }}/{{ CALLED | slug }}/{{ scene | slug }}-{{ index }}.{{ ext }}".replace(
        "CALLED", _called(draft)
    )


def draft_words(draft: Draft) -> list[str]:
    """What was guessed and what is left out, a line each."""
    found: list[str] = []
    if draft.table is not None:
        file, guess = draft.table
        apart = {None: "", "\t": ", separated by tabs"}.get(
            guess.delimiter, f', separated by "{guess.delimiter}"'
        )
        found.append(f"{file}: {guess.rows:,} rows{apart}; columns: {listed(guess.columns)}")
        found.append(f"{guess.photo.name} names the pictures, {guess.name} the folders of what is made")
    found += [f"row {row.number} is left out: {row.reason}" for row in draft.skip[:_REASONS_NAMED]]
    if len(draft.skip) > _REASONS_NAMED:
        found.append(f"and {len(draft.skip) - _REASONS_NAMED:,} more rows: `orchestrator plan` lists them")
    unusable = draft.exclude[:_REASONS_NAMED]
    return found + [f"left out: {one.reason.partition(chr(10))[2]}" for one in unusable]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(text.split())
