"""The parameters of jobs: compiled once for a manifest, filled in and checked for each combination."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.catalogue import Kind, Model, Parameter, ParamIssue, Severity, is_url
from orchestrator.core.keys import KeyForm, KeyStem, encoded
from orchestrator.core.specs import JsonObject, LocalImage
from orchestrator.manifest.binding import Binder, BoundText, Combination, Reader
from orchestrator.manifest.expressions import TemplateProblem
from orchestrator.manifest.input_images import Pictures
from orchestrator.manifest.templates import Template
from orchestrator.yamlio.document import Path

_CHECKED_MAX: Final = 10_000


class ParamsError(Exception):
    """Some parameters of one combination cannot be sent: the path and the words for each."""

    def __init__(self, found: list[tuple[Path, str, str]]) -> None:
        super().__init__("; ".join(message for _path, message, _hint in found))
        self.found = found


@dataclass(slots=True)
class InputPictures:
    """The pictures of one job: as written, the local ones by their bytes, and as the job key sees them."""

    texts: list[str]
    local: dict[str, LocalImage] = field(default_factory=dict)
    keyed: str = ""  # encoded for the job key


@dataclass(slots=True)
class Prepared:
    """Everything about one combination that does not depend on its variation or its place."""

    params: JsonObject
    stem: KeyStem
    local_images: dict[str, LocalImage]
    price_micros: int
    images: int
    extension: str
    warnings: list[tuple[Path, str, str]]


class Slot:
    """One parameter: where it is written, and how its value comes about; `fixed` when it is the same for all
    jobs.

    A slot without a reader is constant, and its value was checked when the manifest was read.
    """

    def __init__(
        self,
        parameter: Parameter,
        path: Path,
        read: Reader | None,
        *,
        own: frozenset[str] = frozenset(),
        fixed: Any = None,
    ) -> None:
        self.parameter = parameter
        self.path = path
        self.constant = read is None
        self.read: Reader = read or _constant(fixed)
        self.own = own
        self.fixed = fixed
        self._seen: set[Any] = set()

    def issues(self, value: Any) -> list[ParamIssue]:
        """What is wrong with a value; one that passed before is not checked again."""
        if self.parameter.kind in {Kind.TEXT, Kind.IMAGES}:
            return self.parameter.check(value)
        if value in self._seen:
            return []
        found = self.parameter.check(value)
        if not found and len(self._seen) < _CHECKED_MAX:
            self._seen.add(value)
        return found


@dataclass(frozen=True)
class RawParam:
    """A parameter as the manifest has it: a plain value, a template, or a list of templates."""

    path: Path
    value: Any  # plain value, Template, or list of plain values and Templates

    def templates(self) -> Iterator[tuple[Path, Template]]:
        """Every template in it with its path."""
        if isinstance(self.value, Template):
            yield self.path, self.value
        elif isinstance(self.value, list):
            for index, item in enumerate(self.value):
                if isinstance(item, Template):
                    yield (*self.path, index), item


class ParamPlan:
    """How the parameters of every combination with the same overrides come about."""

    def __init__(self, model: Model, raw: Mapping[str, RawParam], binder: Binder, pictures: Pictures) -> None:
        self._model = model
        self._pictures = pictures
        self._binder = binder
        self._slots: list[Slot] = []
        for name, parameter in model.by_name.items():
            if name in raw:
                self._slots.append(self._slot(parameter, raw[name]))
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
        wrong: list[tuple[Path, str, str]] = []
        keyed: dict[str, str] = {}
        pictures: InputPictures | None = None
        for slot in self._varying:
            try:
                value = slot.read(combination)
            except ParamsError as error:
                wrong += error.found
                continue
            except TemplateProblem as error:
                wrong.append((slot.path, error.message, error.hint))
                continue
            if isinstance(value, InputPictures):
                pictures = value
                params[slot.parameter.name] = value.texts
                keyed[slot.parameter.name] = value.keyed
            elif issues := slot.issues(value):
                wrong += [_located(slot.path, issue) for issue in issues]
            else:
                params[slot.parameter.name] = value
                keyed[slot.parameter.name] = encoded(value)
        warnings = self._check_references(params, wrong)
        if wrong or pictures is None:
            raise ParamsError(wrong)
        price_micros, images, extension = self._facts(params)
        return Prepared(
            params=params,
            stem=self._form.stem(keyed),
            local_images=pictures.local,
            price_micros=price_micros,
            images=images,
            extension=extension,
            warnings=warnings,
        )

    def _check_references(
        self, params: JsonObject, wrong: list[tuple[Path, str, str]]
    ) -> list[tuple[Path, str, str]]:
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
        path = next(slot.path for slot in self._slots if slot.parameter.name == self._model.prompt_param)
        wrong += [_located(path, issue) for issue in issues if issue.severity is Severity.ERROR]
        return [_located(path, issue) for issue in issues if issue.severity is Severity.WARNING]

    def _slot(self, parameter: Parameter, raw: RawParam) -> Slot:
        if parameter.kind is Kind.IMAGES:
            return self._images_slot(parameter, raw)
        if isinstance(raw.value, Template):
            bound = self._binder.text(raw.value)

            def read(combination: Combination) -> Any:
                return parameter.coerce(bound.text(combination))

            return Slot(parameter, raw.path, read, own=bound.own)
        return Slot(parameter, raw.path, None, fixed=raw.value)

    def _images_slot(self, parameter: Parameter, raw: RawParam) -> Slot:
        names: frozenset[str] = frozenset().union(*(template.names for _path, template in raw.templates()))
        items: list[Reader]
        if isinstance(raw.value, Template):
            single = raw.value.single
            whole = self._binder.value(single) if single else self._binder.text(raw.value).text
            items = []
        else:
            whole = None
            values = raw.value if isinstance(raw.value, list) else []
            items = [self._item(value) for value in values]

        def read(combination: Combination) -> InputPictures:
            if whole is not None:
                return self._find(parameter, raw.path, whole(combination))
            texts: list[Any] = []
            wrong: list[tuple[Path, str, str]] = []
            for index, item in enumerate(items):
                try:
                    texts.append(item(combination))
                except TemplateProblem as error:
                    wrong.append(((*raw.path, index), error.message, error.hint))
            if wrong:
                raise ParamsError(wrong)
            return self._find(parameter, raw.path, texts)

        own = frozenset(name for name in names if name == "variation")
        return Slot(parameter, raw.path, self._binder.cached(names, read), own=own)

    def _item(self, value: Any) -> Reader:
        if isinstance(value, Template):
            bound: BoundText = self._binder.text(value)
            return bound.text
        return _constant(value)

    def _find(self, parameter: Parameter, path: Path, value: Any) -> InputPictures:
        """The pictures of a value; raises ParamsError with every one that cannot be used."""
        wrong = [_located(path, issue) for issue in parameter.check(value)]
        if wrong:
            raise ParamsError(wrong)
        found = InputPictures(list(value))
        keyed: list[str] = []
        for index, text in enumerate(found.texts):
            if is_url(text):
                keyed.append(text)
                continue
            try:
                image = found.local[text] = self._pictures.find(text)
                keyed.append(f"sha256:{image.sha256}")
            except TemplateProblem as error:
                wrong.append(((*path, index), error.message, error.hint))
        if wrong:
            raise ParamsError(wrong)
        found.keyed = encoded(keyed)
        return found


def merged(base: Mapping[str, RawParam], sets: Sequence[Mapping[str, RawParam]]) -> dict[str, RawParam]:
    """`base` with the overrides of `sets` over it, later ones last."""
    result = dict(base)
    for one in sets:
        result.update(one)
    return result


def _facts(model: Model) -> Callable[[JsonObject], tuple[int, int, str]]:
    """Price in micros, pictures and file extension of a job, looked up once for all jobs that are alike in
    them.
    """
    known: dict[tuple[Any, ...], tuple[int, int, str]] = {}
    by, count, form = model.price.by, model.count_param, model.format_param

    def facts(params: JsonObject) -> tuple[int, int, str]:
        key = (params.get(by), params.get(count), params.get(form))
        found = known.get(key)
        if found is None:
            found = known[key] = (model.price_micros(params), model.images(params), model.extension(params))
        return found

    return facts


def _constant(value: Any) -> Reader:
    return lambda _combination: value


def _located(path: Path, issue: ParamIssue) -> tuple[Path, str, str]:
    where = (*path, issue.index) if issue.index is not None else path
    return where, issue.message, issue.hint
