"""One parameter of the jobs: where it is written, and how its value comes about."""

from dataclasses import dataclass, field
from typing import Any, Final

from orchestrator.catalogue import Kind, Parameter, ParamIssue, is_url
from orchestrator.core.keys import encoded
from orchestrator.core.specs import PICTURE, LocalImage
from orchestrator.manifest.inputs.input_images import Pictures, keyed_as
from orchestrator.manifest.parameters.binding import Binder, BoundText, Combination, Reader
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.templating.template_problems import Hole, TemplateProblem, Wrong, wrong_at
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio.document import Path

_CHECKED_MAX: Final = 10_000
NO_STAGE: Final = (
    f'"{PICTURE}" stands for the picture that a stage takes, and this is no stage',
    "name a file or an https URL, or write it under `stages:`",
)
NOT_TAKEN: Final = (
    f'"{PICTURE}" is not among the images, so the stage would take no picture',
    f'add "{PICTURE}"; without `images` it is the only one',
)
TAKEN_TWICE: Final = (f'"{PICTURE}" is among the images already', "name it once")


class ParamsError(Exception):
    """Some parameters of one combination cannot be sent: the path and the words for each."""

    def __init__(self, found: list[Wrong]) -> None:
        super().__init__("; ".join(one.message for one in found))
        self.found = found
        self.price_micros = 0  # of the jobs that cannot be asked for, as far as it is known


@dataclass(slots=True)
class InputPictures:
    """The pictures of one job: as written, the local ones by their bytes, and as the job key sees them."""

    texts: list[str]
    local: dict[str, LocalImage] = field(default_factory=dict)
    keyed: str = ""  # encoded for the job key


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
        written: Reader | None = None,
    ) -> None:
        self.parameter = parameter
        self.path = path
        self.constant = read is None
        self.read: Reader = read or _constant(fixed)
        self.own = own
        self.fixed = fixed
        self.written = written  # of pictures: what the manifest says, before any is looked at
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


class SlotMaker:
    """Makes the slots of parameters as the manifest has them."""

    def __init__(self, binder: Binder, pictures: Pictures, *, takes: bool = False) -> None:
        """`takes` says that these are parameters of a stage, which takes a picture of another job."""
        self._binder = binder
        self._pictures = pictures
        self._takes = takes

    def make(self, parameter: Parameter, raw: RawParam) -> Slot:
        """The slot of a parameter that the manifest names."""
        if parameter.kind is Kind.IMAGES:
            return self._of_images(parameter, raw)
        if isinstance(raw.value, Template):
            bound = self._binder.text(raw.value)

            def read(combination: Combination) -> Any:
                return parameter.coerce(bound.text(combination))

            return Slot(parameter, raw.path, read, own=bound.own)
        return Slot(parameter, raw.path, None, fixed=raw.value)

    def _of_images(self, parameter: Parameter, raw: RawParam) -> Slot:
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

        def written(combination: Combination) -> Any:
            if whole is not None:
                value = whole(combination)
                if isinstance(value, Hole):
                    raise ParamsError([wrong_at(raw.path, value.problem())])
                return value
            texts: list[Any] = []
            wrong: list[Wrong] = []
            for index, item in enumerate(items):
                try:
                    texts.append(item(combination))
                except TemplateProblem as error:
                    wrong.append(wrong_at((*raw.path, index), error))
            if wrong:
                raise ParamsError(wrong)
            return texts

        def read(combination: Combination) -> InputPictures:
            return self._find(parameter, raw.path, written(combination))

        own = names & self._binder.own
        return Slot(
            parameter,
            raw.path,
            self._binder.cached(names, read),
            own=own,
            written=self._binder.cached(names, written),
        )

    def _item(self, value: Any) -> Reader:
        if isinstance(value, Template):
            bound: BoundText = self._binder.text(value)
            return bound.text
        return _constant(value)

    def _find(self, parameter: Parameter, path: Path, value: Any) -> InputPictures:
        """The pictures of a value; raises ParamsError with every one that cannot be used."""
        wrong = [located(path, issue) for issue in parameter.check(value)]
        if wrong:
            raise ParamsError(wrong)
        found = InputPictures(list(value))
        keyed: list[str] = []
        for index, text in enumerate(found.texts):
            try:
                if text == PICTURE:
                    self._check_taken(found.texts, index)
                    keyed.append(text)
                    continue
                if is_url(text):
                    self._pictures.check_url(text)
                    keyed.append(text)
                    continue
                image = found.local[text] = self._pictures.find(text)
                keyed.append(keyed_as(image))
            except TemplateProblem as error:
                wrong.append(wrong_at((*path, index), error))
        if self._takes and PICTURE not in found.texts:
            wrong.append(Wrong(path, *NOT_TAKEN))
        if wrong:
            raise ParamsError(wrong)
        found.keyed = encoded(keyed)
        return found

    def _check_taken(self, texts: list[str], index: int) -> None:
        """Raises TemplateProblem for PICTURE where there is none to take, or where it was taken already."""
        if not self._takes:
            raise TemplateProblem(*NO_STAGE)
        if PICTURE in texts[:index]:
            raise TemplateProblem(*TAKEN_TWICE)


def located(path: Path, issue: ParamIssue) -> Wrong:
    """An issue where it stands."""
    where = (*path, issue.index) if issue.index is not None else path
    return Wrong(where, issue.message, issue.hint)


def _constant(value: Any) -> Reader:
    return lambda _combination: value
