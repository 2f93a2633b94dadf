"""The parameters of jobs: compiled once for a manifest, filled in and checked for each combination."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from orchestrator.catalogue import Model, ParamIssue, Severity, is_url
from orchestrator.core.keys import KeyForm, KeyStem, encoded
from orchestrator.core.specs import PICTURE, JsonObject, LocalImage
from orchestrator.manifest.inputs.input_images import Pictures
from orchestrator.manifest.parameters.binding import Binder, Combination
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.parameters.slots import InputPictures, ParamsError, Slot, SlotMaker, located
from orchestrator.manifest.templating.template_problems import TemplateProblem, Wrong, wrong_at
from orchestrator.yamlio.document import Path

_CHECKED_MAX: Final = 10_000
_CURLY: Final = "the text stands in curly quotes, which would be sent as a part of it"
_OPENING, _CLOSING = frozenset("\u201c\u201e\u201d\u00ab\u2018"), frozenset("\u201d\u201c\u00bb\u2019")


@dataclass(slots=True)
class Prepared:
    """Everything about one combination that does not depend on its variation or its place."""

    params: JsonObject
    stem: KeyStem
    local_images: dict[str, LocalImage]
    price_micros: int
    price_digest: str
    images: int
    extension: str
    warnings: list[Wrong]
    keyed: dict[str, str]  # the varying inputs as the key sees them


class ParamPlan:
    """How the parameters of every combination with the same overrides come about."""

    def __init__(
        self,
        model: Model,
        raw: Mapping[str, RawParam],
        binder: Binder,
        pictures: Pictures,
        *,
        takes: bool = False,
    ) -> None:
        """`takes` says that it is of a stage, whose jobs take a picture of another job."""
        self._model = model
        self._pictures = pictures
        self._slots: list[Slot] = []
        maker = SlotMaker(binder, pictures, takes=takes)
        for name, parameter in model.by_name.items():
            if name in raw:
                self._slots.append(maker.make(parameter, raw[name]))
            elif parameter.default is not None:
                self._slots.append(Slot(parameter, ("params",), None, fixed=parameter.default))
        self._varying = [slot for slot in self._slots if not slot.constant]
        self._blank: JsonObject = {slot.parameter.name: slot.fixed for slot in self._slots}
        varying = {slot.parameter.name for slot in self._varying}
        self._form = KeyForm(
            model.id, {name: value for name, value in self._blank.items() if name not in varying}, varying
        )
        self._facts = _facts(model)
        self._references: dict[tuple[str, int], list[ParamIssue]] = {}
        self.own: frozenset[str] = frozenset().union(*(slot.own for slot in self._slots))

    def prepare(self, combination: Combination) -> Prepared:
        """The checked parameters of one combination; raises ParamsError with everything that is wrong with
        it.
        """
        params = self._blank.copy()
        wrong: list[Wrong] = []
        keyed: dict[str, str] = {}
        pictures: InputPictures | None = None
        for slot in self._varying:
            try:
                value = slot.read(combination)
            except ParamsError as error:
                wrong += error.found
                continue
            except TemplateProblem as error:
                wrong.append(wrong_at(slot.path, error))
                continue
            if isinstance(value, InputPictures):
                pictures = value
                params[slot.parameter.name] = value.texts
                keyed[slot.parameter.name] = value.keyed
            elif issues := slot.issues(value):
                wrong += [located(slot.path, issue) for issue in issues]
            else:
                params[slot.parameter.name] = value
                keyed[slot.parameter.name] = encoded(value)
        warnings = self._check_references(params, wrong)
        if wrong or pictures is None:
            raise self._refusal(params, wrong)
        price_micros, digest, images, extension = self._facts(params)
        return Prepared(
            params=params,
            stem=self._form.stem(keyed),
            local_images=pictures.local,
            price_micros=price_micros,
            price_digest=digest,
            images=images,
            extension=extension,
            warnings=warnings,
            keyed=keyed,
        )

    def key_taking(self, prepared: Prepared, source: str, index: int) -> str:
        """The key of a stage's job that takes a picture of the job with key `source`: other pictures there,
        other keys here.
        """
        name = self._model.images_param
        taken = prepared.keyed[name].replace(encoded(PICTURE), encoded(f"job:{source}#{index}"))
        return self._form.stem({**prepared.keyed, name: taken}).key(1)

    def _refusal(self, params: JsonObject, wrong: list[Wrong]) -> ParamsError:
        error = ParamsError(wrong)
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # when what sets the price is wrong
            error.price_micros = self._facts(params)[0]
        return error

    def look_ahead(self, combination: Combination) -> None:
        """Begin with the pictures of a combination whose turn comes soon; what is wrong is said then."""
        for slot in self._varying:
            if slot.written is None:
                continue
            try:
                found = slot.written(combination)
            except (ParamsError, TemplateProblem):
                continue
            for text in found if isinstance(found, list) else ():
                if isinstance(text, str) and not is_url(text):
                    self._pictures.look_ahead(text)

    def _check_references(self, params: JsonObject, wrong: list[Wrong]) -> list[Wrong]:
        prompt = params.get(self._model.prompt_param)
        if isinstance(prompt, str) and _in_curly_quotes(prompt):
            path = self._prompt_path()
            return [*self._issues_of(params, wrong), Wrong(path, _CURLY, 'write "..." around the text')]
        return self._issues_of(params, wrong)

    def _prompt_path(self) -> Path:
        return next(slot.path for slot in self._slots if slot.parameter.name == self._model.prompt_param)

    def _issues_of(self, params: JsonObject, wrong: list[Wrong]) -> list[Wrong]:
        prompt, images = params.get(self._model.prompt_param), params.get(self._model.images_param)
        if prompt is None or images is None:
            return []
        key = (prompt, len(images))
        issues = self._references.get(key)
        if issues is None:
            issues = self._model.check_prompt(params)
            if len(self._references) >= _CHECKED_MAX:
                self._references.clear()
            self._references[key] = issues
        if not issues:
            return []
        path = self._prompt_path()
        wrong += [located(path, issue) for issue in issues if issue.severity is Severity.ERROR]
        return [located(path, issue) for issue in issues if issue.severity is Severity.WARNING]


def _facts(model: Model) -> Callable[[JsonObject], tuple[int, str, int, str]]:
    """Price in micros, price digest, pictures and file extension of a job, looked up once for all jobs that
    are alike in them.
    """
    known: dict[tuple[Any, ...], tuple[int, str, int, str]] = {}
    by, count, form = model.price.by, model.count_param, model.format_param

    def facts(params: JsonObject) -> tuple[int, str, int, str]:
        key = (params.get(by), params.get(count), params.get(form))
        found = known.get(key)
        if found is None:
            found = known[key] = (
                model.price_micros(params),
                model.price_digest(params),
                model.images(params),
                model.extension(params),
            )
        return found

    return facts


def _in_curly_quotes(text: str) -> bool:
    """Whether a word processor has put the whole text into its quotes."""
    inner = text[1:-1]
    return len(text) > 1 and text[0] in _OPENING and text[-1] in _CLOSING and not set(inner) & _OPENING
