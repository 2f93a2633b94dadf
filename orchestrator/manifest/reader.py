"""A document to a blueprint: reads every block of a manifest and reports everything that is wrong with it."""

import re
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, Final

from orchestrator.catalogue import Kind, Model, Parameter, get
from orchestrator.core.specs import NAME_PATTERN
from orchestrator.manifest.axes import Axis, AxisValue, Condition, Source
from orchestrator.manifest.binding import Binder
from orchestrator.manifest.combinations import Combinations
from orchestrator.manifest.conditions import read_addition, read_condition
from orchestrator.manifest.expand import Blueprint
from orchestrator.manifest.expressions import TemplateProblem
from orchestrator.manifest.input_images import Pictures
from orchestrator.manifest.names import OUTPUT_NAMES, Names
from orchestrator.manifest.raw_params import RawParam
from orchestrator.manifest.shape import MANIFEST, NAME_WHAT
from orchestrator.manifest.sources import read_source
from orchestrator.manifest.templates import Template, compile_template
from orchestrator.yamlio import Document, Node, ProblemReport, ProblemsError
from orchestrator.yamlio.document import Path as NodePath
from orchestrator.yamlio.shapes import Reading

OUTPUT_DEFAULT: Final = "{{ campaign }}/{{ run }}/{{ key }}-{{ index }}.{{ ext }}"
JOBS_MAX: Final = 5_000_000


class ManifestReader:
    """Reads one document. `fields` holds the plain keys; `blueprint()` the rest, None when it cannot be
    expanded.
    """

    def __init__(
        self, document: Document, folder: Path, *, today: str, run_key: str | None, jobs_max: int
    ) -> None:
        self.report = ProblemReport()
        self._document = document
        self._folder = folder
        self._jobs_max = jobs_max
        self._reading = Reading(document, self.report)
        self.fields: dict[str, Any] = MANIFEST.read(document.root, self._reading)
        if not self.fields["retry"]:
            self.fields["retry"] = {"max_attempts": 3}
        self.fields["name"] = self.fields["name"] or _name_of(Path(document.file))
        self.fields["campaign"] = self.fields["campaign"] or self.fields["name"]
        self._constants = {
            "name": self.fields["name"],
            "campaign": self.fields["campaign"],
            "date": today,
        }
        self._constants["run"] = self.fields["run"] = run_key or self._run_key()

    def blueprint(self, input_roots: Sequence[Path]) -> Blueprint | None:
        """Everything compiled; None when something that expanding needs could not be read."""
        if self.fields["model"] is None:
            return None
        model = get(self.fields["model"])
        axes = self._axes()
        if axes is None:
            return None
        sources = {name: source for axis in axes for name, source in axis.sources.items()}
        conditions = self._conditions(sources)
        self._sizes(axes)
        added = self._additions(axes)
        names = Names(self._constants, sources, self._reading)
        params = self._params(model, names)
        overrides = [self._raw(entry["set"], model, names) for entry in self.fields["override"]]
        output = self._output(names)
        tags = self._tags(names)
        if params is None or output is None or tags is None or added is None or None in overrides:
            return None
        for axis in axes:
            axis.conditions = [condition for _path, condition in conditions]
        self._check_size(axes, added)
        if any(axis.size == 0 for axis in axes) and not added:
            return None
        axis_of = {name: place for place, axis in enumerate(axes) for name in axis.names}
        binder = Binder(self._constants, axis_of)
        try:
            combinations = Combinations(
                axes=axes,
                excludes=len(self.fields["exclude"]),
                overrides=len(overrides),
                added=added,
                without_product=bool(added) and not self.fields["matrix"] and not self.fields["zip"],
            )
        except ProblemsError as error:
            self.report.problems += error.problems
            return None
        return Blueprint(
            document=self._document,
            model=model,
            constants=self._constants,
            combinations=combinations,
            conditions=conditions,
            params=params,
            overrides=[one for one in overrides if one is not None],
            output=binder.text(output),
            tags={name: binder.text(template) for name, template in tags.items()},
            variations=self.fields["variations"],
            binder=binder,
            pictures=Pictures(self._folder, input_roots, model.inputs),
        )

    def _run_key(self) -> str:
        text = str(self.fields["run"])
        try:
            key = compile_template(text).text(self._constants)
        except TemplateProblem as error:
            hint = error.hint or "available: name, campaign, date"
            self._reading.wrong(("run",), error.message, hint)
            return "main"
        if not re.fullmatch(NAME_PATTERN, key):
            self._reading.wrong(("run",), f'gives the run key "{key[:60]}"; expected {NAME_WHAT}')
            return "main"
        return key

    def _axes(self) -> list[Axis] | None:
        """Axes of the matrix, then the zip group as one; None when any could not be read."""
        matrix, zipped = self.fields["matrix"], self.fields["zip"]
        sources = {
            name: read_source(node, self._reading, self._folder)
            for name, node in [*matrix.items(), *zipped.items()]
        }
        for name in zipped:
            if name in matrix:
                self._reading.wrong(("zip", name), "the name is an axis of the matrix already", at_key=True)
                return None
        if None in sources.values():
            return None
        read = {name: source for name, source in sources.items() if source is not None}
        axes = [Axis({name: read[name]}) for name in matrix]
        if zipped:
            axes.append(Axis({name: read[name] for name in zipped}))
        if not axes and self.fields["add"]:
            first = self.fields["add"][0]
            axes = [Axis({name: _free(node)}) for name, node in first.items()]
        return axes

    def _sizes(self, axes: list[Axis]) -> None:
        """Count every axis; a table is read through once, so each of its rows is known to be sound."""
        for axis in axes:
            try:
                counts = {name: source.count() for name, source in axis.sources.items()}
            except ProblemsError as error:
                self.report.problems += error.problems
                continue
            axis.size = min(counts.values())
            if len(set(counts.values())) > 1:
                lengths = ", ".join(f"{name} has {size}" for name, size in counts.items())
                self._reading.wrong(("zip",), f"the lists must have equal lengths; {lengths}", at_key=True)

    def _check_size(self, axes: list[Axis], added: Sequence[Any]) -> None:
        jobs = (prod(axis.size for axis in axes) + len(added)) * self.fields["variations"]
        if jobs > self._jobs_max:
            factors = [f"{axis.size:,} {' + '.join(axis.names)}" for axis in axes]
            factors.append(f"{self.fields['variations']} variations")
            self._reading.wrong(
                ("matrix",),
                f"asks for {' x '.join(factors)} = {jobs:,} jobs; at most {self._jobs_max:,} are accepted",
                "is there an axis too many?",
                at_key=True,
            )

    def _conditions(self, sources: Mapping[str, Source]) -> list[tuple[NodePath, Condition]]:
        found: list[tuple[NodePath, Condition]] = []
        root = self._document
        for index, wanted in enumerate(self.fields["exclude"]):
            path: NodePath = ("exclude", index)
            found.append(
                (
                    path,
                    read_condition(
                        wanted=wanted, node=root.node(path), sources=sources, reading=self._reading
                    ),
                )
            )
        for index, entry in enumerate(self.fields["override"]):
            path = ("override", index, "when")
            found.append(
                (
                    path,
                    read_condition(
                        wanted=entry["when"], node=root.node(path), sources=sources, reading=self._reading
                    ),
                )
            )
        return found

    def _additions(self, axes: list[Axis]) -> list[tuple[AxisValue, ...]] | None:
        found = [
            read_addition(
                entry=entry, node=self._document.node(("add", index)), axes=axes, reading=self._reading
            )
            for index, entry in enumerate(self.fields["add"])
        ]
        sound = [values for values in found if values is not None]
        return sound if len(sound) == len(found) else None

    def _params(self, model: Model, names: Names) -> dict[str, RawParam] | None:
        raw = self._raw(self.fields["params"], model, names)
        if "params" not in self._document.root.children:
            return None
        for parameter in model.parameters:
            if parameter.required and parameter.name not in self.fields["params"]:
                message = f"{parameter.name} is missing; expected {parameter.allowed_text()}"
                self._reading.wrong(("params",), message, at_key=True)
                raw = None
        return raw

    def _raw(self, nodes: Mapping[str, Node], model: Model, names: Names) -> dict[str, RawParam] | None:
        """Parameters with templates compiled and plain values checked.

        One that is wrong is reported and replaced, so that expanding can find further problems; None
        when nothing can replace it.
        """
        found: dict[str, RawParam] = {}
        sound = True
        for name, node in nodes.items():
            parameter = model.by_name.get(name)
            if parameter is None:
                issue = model.unknown({name: None})[0]
                self._reading.wrong(node.path, issue.message, issue.hint, at_key=True)
                continue
            raw = names.param(node)
            if raw is not None and self._fits(parameter, raw, node):
                found[name] = raw
            elif parameter.kind is Kind.IMAGES:
                sound = False
            else:
                found[name] = RawParam(node.path, parameter.default or "stand-in")
        return found if sound else None

    def _fits(self, parameter: Parameter, raw: RawParam, node: Node) -> bool:
        """Whether what is known of a value before expanding may be sent; its issues are reported."""
        if isinstance(raw.value, Template):
            return True
        value = raw.value
        if isinstance(value, list):  # a template may give any text
            value = ["template" if isinstance(item, Template) else item for item in value]
        issues = parameter.check(value)
        for issue in issues:
            path = node.path if issue.index is None else (*node.path, issue.index)
            self._reading.wrong(path, issue.message, issue.hint)
        return not issues

    def _output(self, names: Names) -> Template | None:
        text = self.fields["output"]
        template = names.template(("output",), text or OUTPUT_DEFAULT, OUTPUT_NAMES)
        variations = self.fields["variations"]
        if template and variations > 1 and not template.names & {"variation", "key", "number"}:
            self._reading.wrong(
                ("output",),
                f"{variations} variations would share each path: the template has no variation",
                'add "-v{{ variation }}" before the extension',
            )
            return None
        return template

    def _tags(self, names: Names) -> dict[str, Template] | None:
        found: dict[str, Template] = {}
        for name, text in self.fields["tags"].items():
            if text is not None and (template := names.template(("tags", name), text, OUTPUT_NAMES)):
                found[name] = template
        return found if len(found) == len(self.fields["tags"]) else None


def _free(node: Node) -> Source:
    """The source of an axis that only additions have."""
    columns = tuple(node.value) if isinstance(node.value, Mapping) else ()
    return Source(columns=None if columns else ())


def _name_of(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", path.stem).strip("-._")[:100] or "manifest"
