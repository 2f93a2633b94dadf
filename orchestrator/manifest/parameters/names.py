"""Templates of a manifest: compiled, with every name and column checked before anything is expanded."""

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.core.suggest import did_you_mean, listed, nearest
from orchestrator.manifest.combining.axes import PLAIN, Source
from orchestrator.manifest.combining.odd_columns import odd_column, reference
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.templating.template_problems import TemplateProblem
from orchestrator.manifest.templating.templates import Template, compile_template
from orchestrator.yamlio import Node
from orchestrator.yamlio.document import Path
from orchestrator.yamlio.shapes import Reading

PARAM_NAMES: Final = frozenset({"variation"})
OUTPUT_NAMES: Final = frozenset({"variation", "index", "ext", "key", "number"})


class Names:
    """What templates may refer to: the manifest's constants, its axes, and what belongs to one job."""

    def __init__(
        self,
        constants: Mapping[str, Any],
        sources: Mapping[str, Source],
        reading: Reading,
        *,
        stage: str | None = None,
    ) -> None:
        """Of a `stage`, templates may name it, and the picture that each of its jobs takes."""
        self._own = frozenset[str]() if stage is None else frozenset({"picture"})
        constants = constants if stage is None else {**constants, "stage": stage}
        self._constants = constants
        self._sources = sources
        self._reading = reading

    def template(self, path: Path, text: str, own: frozenset[str]) -> Template | None:
        """The template of a text at `path`; None after a report. `own` are the names of one job it may
        use.
        """
        own |= self._own
        if (odd := odd_column(text, self._sources)) is not None:
            axis, column, part = odd
            message = f'the column "{column}" is no plain name, so a dot does not reach it'
            self._reading.wrong(path, message, f"write {{{{ {reference(axis, column)} }}}}", part=part)
            return None
        try:
            template = compile_template(text)
        except TemplateProblem as error:
            self._reading.wrong(path, error.message, error.hint, part=error.part)
            return None
        known = [*self._sources, *self._constants, *sorted(own)]
        sound = True
        for expression in template.expressions:
            for name in dict.fromkeys(expression.required_names()):
                if name not in known:
                    self._unknown(path, name, known)
                    sound = False
            for name, column in dict.fromkeys(expression.columns()):
                sound = self._has_column(path, name, column, text=text) and sound
        return template if sound else None

    def param(self, node: Node) -> RawParam | None:
        """A parameter with its templates compiled; None after a report."""
        if isinstance(node.value, str):
            template = self.template(node.path, node.value, PARAM_NAMES)
            if template is None:
                return None
            return RawParam(node.path, template if template.expressions else node.value)
        if not isinstance(node.value, list):
            return RawParam(node.path, node.value)
        items: list[Any] = []
        for child in node.children.values():
            if not isinstance(child.value, str):
                items.append(child.value)
            elif template := self.template(child.path, child.value, PARAM_NAMES):
                items.append(template if template.expressions else child.value)
        return RawParam(node.path, items) if len(items) == len(node.children) else None

    def _unknown(self, path: Path, name: str, known: list[str]) -> None:
        hint = did_you_mean(name, known)
        columns = [
            reference(axis, column)
            for axis, source in self._sources.items()
            for column in source.columns or ()
            if column == name
        ]
        if columns:
            hint = f"write {{{{ {columns[0]} }}}}"
        message = f'the template uses "{name}", which does not exist; available: {listed(known)}'
        self._reading.wrong(path, message, hint, part=name)

    def _has_column(self, path: Path, name: str, column: str, *, text: str) -> bool:
        source = self._sources.get(name)
        if source is None:
            if name in self._constants:
                self._reading.wrong(path, f'"{name}" is plain text and has no column "{column}"')
            return name not in self._constants
        if source.columns is None or column in source.columns:
            return True
        if source.columns == PLAIN:
            message, hint = f"{name} holds plain values, not rows with columns", f"write {{{{ {name} }}}}"
        else:
            where = f"{source.table.path.name} (header in row 1)" if source.table else "its rows"
            message = f'{name} has no column "{column}" in {where}; columns: {listed(source.columns)}'
            found = nearest(column, source.columns)
            hint = f'did you mean "{found}"?' if found else ""
            if found and not found.isidentifier():
                hint = f"write {{{{ {reference(name, found)} }}}}"
        dotted = f"{name}.{column}"
        self._reading.wrong(path, message, hint, part=dotted if dotted in text else column)
        return False
