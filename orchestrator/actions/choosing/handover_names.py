"""Which picture is handed over by which recipe, and under which name. Nothing is read or written here."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any, Final

from orchestrator.core.errors import UsageError
from orchestrator.core.paths import fold
from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.expanding.outputs import path_problem
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.manifest.templating.templates import compile_template
from orchestrator.pictures.embedded import Words
from orchestrator.pictures.recipe_shape import recipe_from
from orchestrator.pictures.recipes import AS_IT_IS, EXTENSION, PRESETS, Format, Recipe
from orchestrator.store.views.jobs.accepted import AcceptedPicture

NAMES: Final = (
    "campaign",
    "name",
    "run",
    "job",
    "variation",
    "number",
    "folder",
    "stem",
    "ext",
    "tags",
    "axes",
)
"""What the template of a file's name may use."""

SHOWN: Final = 10
EXTENSIONS: Final = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp"}


@dataclass(frozen=True, slots=True)
class ToHandOver:
    """One picture, its recipe and its name in the folder that is handed over."""

    picture: AcceptedPicture
    recipe: Recipe
    file: str


def named(
    found: Iterable[AcceptedPicture],
    configured: Mapping[str, Any],
    *,
    recipe: str | None = None,
    template: str | None = None,
) -> list[ToHandOver]:
    """Every picture with its recipe and name, in order of name.

    `configured` are the recipes of the configuration; those of a picture's manifest go before them, and both
    before the ready ones. Raises UsageError with everything that is wrong: an unknown recipe, a name that
    cannot be used, two pictures of one name.
    """
    problems: list[str] = []
    wanted: list[ToHandOver] = []
    for picture in found:
        try:
            chosen = _recipe(picture, configured, recipe)
            wanted.append(_named(picture, chosen, template or chosen.file))
        except (UsageError, TemplateProblem) as error:
            problems.append(_said(error) if isinstance(error, TemplateProblem) else str(error))
    problems += _shared(wanted)
    if problems:
        once = list(dict.fromkeys(problems))
        more = [f"... and {len(once) - SHOWN} more"] if len(once) > SHOWN else []
        raise UsageError("\n".join([*once[:SHOWN], *more, "Nothing was handed over."]))
    return sorted(wanted, key=lambda each: each.file)


def _recipe(picture: AcceptedPicture, configured: Mapping[str, Any], name: str | None) -> Recipe:
    if name is None:
        return AS_IT_IS
    for known in (picture.recipes, configured):
        if name in known:
            return recipe_from(known[name])
    if name in PRESETS:
        return PRESETS[name]
    names = sorted({*picture.recipes, *configured, *PRESETS})
    raise UsageError(
        f"No recipe {name!r} in {picture.campaign}/{picture.name}, in config.yaml, or among the ready ones; "
        f"there are: {listed(names)}. {did_you_mean(name, names)}".rstrip()
    )


def _named(picture: AcceptedPicture, recipe: Recipe, template: str) -> ToHandOver:
    scope = _scope(picture, recipe)
    file = _text(template, scope) if template else f"{scope['folder']}{scope['stem']}.{scope['ext']}"
    if problem := path_problem(file):
        message, hint = problem
        raise UsageError(f"Job {picture.job_id}: {message}{f' ({hint})' if hint else ''}")
    words = recipe.words
    spoken = Words(
        title=_text(words.title, scope),
        description=_text(words.description, scope),
        creator=_text(words.creator, scope),
        credit=_text(words.credit, scope),
        copyright=_text(words.copyright, scope),
        keywords=tuple(word for each in words.keywords if (word := _text(each, scope))),
        source_type=words.source_type,
    )
    return ToHandOver(picture, replace(recipe, words=spoken), file)


def _scope(picture: AcceptedPicture, recipe: Recipe) -> dict[str, Any]:
    path = PurePosixPath(picture.path)
    ext = EXTENSIONS.get(picture.media_type, path.suffix.lstrip("."))
    if recipe.format is not Format.KEEP:
        ext = EXTENSION[recipe.format]
    return {
        "campaign": picture.campaign,
        "name": picture.name,
        "run": picture.run,
        "job": picture.job_id,
        "variation": picture.variation,
        "number": picture.index + 1,
        "folder": "" if str(path.parent) == "." else f"{path.parent}/",
        "stem": path.stem,
        "ext": ext,
        "tags": picture.tags,
        "axes": dict(picture.axes),
    }


def _text(template: str, scope: Mapping[str, Any]) -> str:
    compiled = compile_template(template)
    if unknown := sorted(compiled.names - set(NAMES)):
        raise TemplateProblem(f"{template!r} uses {listed(unknown)}", f"available here: {listed(NAMES)}")
    return compiled.text(scope)


def _said(error: TemplateProblem) -> str:
    return f"The template of the name {error.message}{f': {error.hint}' if error.hint else ''}"


def _shared(wanted: Sequence[ToHandOver]) -> list[str]:
    """Names that more than one picture would have, also on a file system that ignores case."""
    by_name: dict[str, list[ToHandOver]] = {}
    for each in wanted:
        by_name.setdefault(fold(each.file), []).append(each)
    return [
        f"{len(group)} pictures would be called {group[0].file}: jobs "
        f"{listed([str(each.picture.job_id) for each in group], limit=5)}; put what tells them apart into "
        "the name, such as {{ variation }} or {{ job }}"
        for group in by_name.values()
        if len(group) > 1
    ]
