"""`init --from`: a manifest for the pictures and the table that somebody has, which plans at once."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from orchestrator import catalogue
from orchestrator.actions.setup.first_manifest_text import CENT, MODEL, Draft, draft_text, draft_words
from orchestrator.actions.setup.guesses import guess_table, pictures_in
from orchestrator.core.errors import StorageError, UsageError
from orchestrator.manifest import load_manifest
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.tables.tables import Skipped
from orchestrator.manifest.templating.filters import slug
from orchestrator.manifest.templating.template_problems import TemplateProblem

TAKEN_AS_THEY_ARE: Final = frozenset({".jpg", ".jpeg", ".png"})
"""What the model takes; other formats are converted where `inputs.normalize` says so."""


@dataclass(frozen=True)
class FirstManifest:
    """What was written, and what a person should know of it."""

    path: Path
    jobs: int
    micros: int
    words: list[str] = field(default_factory=list)


def needs_conversion(folder: Path) -> bool:
    """Whether there are pictures that only `inputs.normalize` makes fit to be sent."""
    return any(path.suffix.lower() not in TAKEN_AS_THEY_ARE for path in _pictures(folder))


def write_first_manifest(
    home: Path, photos: Path, table: Path | None, *, today: str, input_roots: Sequence[Path], normalize: bool
) -> FirstManifest:
    """Write a manifest in `home` for pictures and a table below it. Nothing that is there is overwritten.

    Raises UsageError, and ProblemsError for a table that cannot be read.
    """
    for path in (photos, *([table] if table else ())):
        _require_below(home, path, photos=photos, table=table)
    draft = _draft(home, photos, table, normalize=normalize)
    target = home / f"{draft.name}.yaml"
    _create(target, draft_text(draft))
    try:
        draft = _without_bad(draft, target, today=today, input_roots=input_roots, normalize=normalize)
        target.write_text(draft_text(draft), encoding="utf-8")
        manifest = load_manifest(target, input_roots=input_roots, today=today, normalize=normalize)
        jobs = list(manifest.jobs())
        micros = sum(job.price_micros for job in jobs)
        draft = replace(draft, budget_micros=-(-micros // CENT) * CENT)
        target.write_text(draft_text(draft), encoding="utf-8")
    except BaseException:
        target.unlink(missing_ok=True)  # ours, of a moment ago
        raise
    return FirstManifest(target, len(jobs), micros, words=draft_words(draft))


def _draft(home: Path, photos: Path, table: Path | None, *, normalize: bool) -> Draft:
    name = slug(photos.name if photos != home else home.name)
    below = photos.relative_to(home).as_posix()
    if table is None:
        pictures = [
            path for path in _pictures(photos) if normalize or path.suffix.lower() in TAKEN_AS_THEY_ARE
        ]
        if not pictures:
            raise UsageError(
                f"{photos} holds no picture that the model takes (JPEG or PNG). Convert them, or set "
                "`inputs: {normalize: true}` in the configuration. No manifest was written."
            )
        deep = pictures[0].parent != photos
        endings = sorted({path.suffix[1:].lower() for path in pictures})
        return Draft(name, below, endings=endings, deep=deep, called=_telling(pictures))
    guess = guess_table(table, home=home, photos=photos)
    if guess is None:
        raise UsageError(
            f"No column of {table.name} names pictures in {photos}. A cell should hold a file's name, such "
            f"as {_pictures(photos)[0].name}. No manifest was written."
        )
    return Draft(name, below, table=(table.relative_to(home).as_posix(), guess))


def _telling(pictures: Sequence[Path]) -> str:
    """Which column of a file is another for each of them."""
    for column in ("stem", "name"):
        if len({slug(getattr(path, column)) for path in pictures}) == len(pictures):
            return column
    return "path"


def _without_bad(
    draft: Draft, target: Path, *, today: str, input_roots: Sequence[Path], normalize: bool
) -> Draft:
    """The draft without the rows or files that cannot be used as they are."""
    if draft.table is None:
        rules = catalogue.get(MODEL).inputs
        finder = Pictures(target.parent, input_roots, rules, normalize=normalize)
        bad: list[Skipped] = []
        for path in _pictures(target.parent / draft.photos):
            if path.suffix[1:].lower() in draft.endings:
                try:
                    finder.find(path.relative_to(target.parent).as_posix())
                except TemplateProblem as error:
                    bad.append(Skipped(0, f"{path.name}\n{error.message}"))
        return replace(draft, exclude=bad)
    manifest = load_manifest(
        target, input_roots=input_roots, today=today, normalize=normalize, skip_bad_rows=True
    )
    return replace(draft, skip=[row for table in manifest.left_out for row in table.skipped])


def _pictures(folder: Path) -> list[Path]:
    """Its pictures; raises UsageError when there is none."""
    try:
        found = pictures_in(folder)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be read: {error.strerror or error}. No manifest was written."
        ) from None
    if not found:
        raise UsageError(
            f"{folder} holds no pictures. Name the folder that holds them. No manifest was written."
        )
    return found


def _require_below(home: Path, path: Path, *, photos: Path, table: Path | None) -> None:
    if not path.is_relative_to(home):
        both = [photos, table.parent] if table else [photos.parent]
        common = next(one for one in (both[0], *both[0].parents) if all(p.is_relative_to(one) for p in both))
        raise UsageError(
            f"{path} is not in this folder: a manifest sends only pictures from its own folder and below, "
            f"because an upload makes them public. Run it there: cd {common}. No manifest was written."
        )


def _create(target: Path, text: str) -> None:
    try:
        with target.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise UsageError(
            f"{target.name} is here already and stays as it is. Move it away, or rename the folder of the "
            "pictures. No manifest was written."
        ) from None
    except OSError as error:
        raise StorageError(f"{target} cannot be written: {error.strerror or error}.") from None
