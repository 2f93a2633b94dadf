"""The parameters that a manifest names, checked as far as they are known before expanding."""

from collections.abc import Container, Mapping

from orchestrator.catalogue import Kind, Model, Parameter
from orchestrator.manifest.parameters.names import Names
from orchestrator.manifest.parameters.raw_params import RawParam
from orchestrator.manifest.templating.templates import Template
from orchestrator.yamlio import Node
from orchestrator.yamlio.document import Path
from orchestrator.yamlio.shapes import Reading


class ParamsReader:
    """Reads parameters of one model, whose templates may use `names`; what is wrong is reported."""

    def __init__(self, model: Model, names: Names, reading: Reading) -> None:
        self._model = model
        self._names = names
        self._reading = reading

    def base(self, nodes: Mapping[str, Node]) -> dict[str, RawParam] | None:
        """The parameters of all jobs; None also when a required one is missing."""
        if "params" not in self._reading.document.root.children:
            return None
        return self.whole(nodes, ("params",))

    def whole(
        self, nodes: Mapping[str, Node], path: Path, *, given: Container[str] = ()
    ) -> dict[str, RawParam] | None:
        """The parameters of a block at `path` that must have every required one, save those that are `given`
        without it; None when one is missing.
        """
        raw = self.read(nodes)
        for parameter in self._model.parameters:
            if parameter.required and parameter.name not in nodes and parameter.name not in given:
                message = f"{parameter.name} is missing; expected {parameter.allowed_text()}"
                self._reading.wrong(path, message, at_key=True)
                raw = None
        return raw

    def read(self, nodes: Mapping[str, Node]) -> dict[str, RawParam] | None:
        """Parameters with templates compiled and plain values checked.

        One that is wrong is reported and replaced, so that expanding can find further problems; None
        when nothing can replace it.
        """
        found: dict[str, RawParam] = {}
        sound = True
        for name, node in nodes.items():
            parameter = self._model.by_name.get(name)
            if parameter is None:
                issue = self._model.unknown({name: None})[0]
                self._reading.wrong(node.path, issue.message, issue.hint, at_key=True)
                continue
            raw = self._names.param(node)
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
