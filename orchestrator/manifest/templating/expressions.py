"""The expressions of templates: Jinja, sandboxed and strict.

Only a small part of the language is let in: names, columns of a row, constants, a few filters, conditions,
comparison, addition and concatenation. No statements, no calls, no attribute of any Python object, no product
or power that could grow without bound. A name that does not exist is an error, never an empty text.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined, TemplateError, Undefined, nodes
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.core.suggest import did_you_mean, listed
from orchestrator.manifest.templating.filters import FILTERS
from orchestrator.manifest.templating.template_problems import TemplateProblem

if TYPE_CHECKING:
    from jinja2.environment import Template as JinjaTemplate

_ALLOWED_NODES: Final = (
    nodes.Name,
    nodes.Const,
    nodes.TemplateData,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Filter,
    nodes.Test,
    nodes.Concat,
    nodes.Add,
    nodes.Sub,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Neg,
    nodes.Keyword,
)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without anything but what is listed above; a dot reaches keys of a row and nothing else."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value under a row's key."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The value under a row's key or a list's index."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(obj, Mapping):
            if argument in obj:
                return obj[argument]
            hint = did_you_mean(str(argument), (str(key) for key in obj))
            known = listed(str(key) for key in obj)
            message = f'there is no column "{argument}"; columns: {known}'
            return self.undefined(f"{message}; {hint}" if hint else message)
        if isinstance(obj, list) and isinstance(argument, int) and -len(obj) <= argument < len(obj):
            return obj[argument]
        return self.undefined(f'a plain value has no column "{argument}"')


def _environment() -> Sandbox:
    environment = Sandbox(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True)
    environment.globals.clear()
    environment.filters.clear()
    environment.filters.update(FILTERS)
    environment.tests = {"defined": environment.tests["defined"]}
    return environment


_ENVIRONMENT: Final = _environment()
_EXPRESSION: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_UNEXPECTED: Final = re.compile(r"got '(.+)'\.?\Z")
_DIRECT_FILTERS: Final = frozenset({"slug", "lower", "upper", "trim"})


class Expression:
    """What is between `{{` and `}}`."""

    def __init__(self, node: nodes.Expr) -> None:
        self._node = node
        self._direct = _direct(node)
        self._compiled: JinjaTemplate | None = None
        self.names: frozenset[str] = frozenset(
            item.name for item in _walk(node) if isinstance(item, nodes.Name)
        )
        self.name = node.name if isinstance(node, nodes.Name) else None

    def columns(self) -> list[tuple[str, str]]:
        """Every `name.column` that must exist for this expression to have a value."""
        return list(_columns(self._node))

    def required_names(self) -> list[str]:
        """Every name that must exist for this expression to have a value."""
        return [item.name for item in _required(self._node) if isinstance(item, nodes.Name)]

    def value(self, scope: Mapping[str, Any]) -> Any:
        """The value over the names of `scope`; raises TemplateProblem."""
        if self._direct is not None:
            try:
                return self._direct(scope)
            except (KeyError, TypeError, AttributeError):
                pass  # the slow way finds the words for it
        if self._compiled is None:
            assignment = nodes.Assign(nodes.Name("result", "store", lineno=1), self._node, lineno=1)
            self._compiled = _ENVIRONMENT.from_string(nodes.Template([assignment], lineno=1))
        context = self._compiled.new_context(dict(scope))
        try:
            for _chunk in self._compiled.root_render_func(context):
                pass
        except UndefinedError as error:
            raise TemplateProblem(str(error)) from None
        except (TemplateError, TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as error:
            raise TemplateProblem(f"cannot be filled in: {error}") from None
        result = context.vars["result"]
        if isinstance(result, Undefined):
            raise TemplateProblem(str(result._undefined_message))  # noqa: SLF001 - its only way to tell
        return result


def parse(text: str) -> list[str | Expression]:
    """Text and expressions in turn; raises TemplateProblem when there is something that we do not take."""
    try:
        tree = _ENVIRONMENT.parse(text)
    except (TemplateSyntaxError, RecursionError) as error:
        raise _no_template(text, str(getattr(error, "message", None) or error)) from None
    parts: list[str | Expression] = []
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            raise TemplateProblem("statements ({% ... %}) are not accepted; use expressions ({{ ... }})")
        for node in statement.nodes:
            if isinstance(node, nodes.TemplateData):
                parts.append(node.data)
            else:
                _check(node)
                parts.append(Expression(node))
    return parts


def _no_template(text: str, message: str) -> TemplateProblem:
    """Jinja's complaint in our words, at the first expression that is none."""
    for part in _EXPRESSION.findall(text):
        try:
            _ENVIRONMENT.parse(part)
        except (TemplateSyntaxError, RecursionError) as error:
            message = str(getattr(error, "message", None) or error)
            break
    else:
        part = ""
    words = message
    if "Expected an expression" in message:
        words = "there is nothing between {{ and }}"
    elif "expected name or number" in message:
        words = "a name is expected after the dot"
    elif "unexpected end of template" in message:
        words = "it is not closed by }}"
    elif "got 'end of print statement'" in message:
        words = "something is missing before }}"
    elif match := _UNEXPECTED.search(message):
        words = f'"{match[1]}" is not expected here'
    hint = "names of columns with blanks or dots are written row['The name']" if part else ""
    return TemplateProblem(f"is not a template: {words.rstrip('.')}", hint, part=part)


def _walk(node: nodes.Node) -> list[nodes.Node]:
    return [node, *node.find_all(nodes.Node)]


def _check(node: nodes.Node) -> None:
    """Refuse whatever is not in the small language; raises TemplateProblem."""
    for item in _walk(node):
        if isinstance(item, nodes.Call):
            raise TemplateProblem("calls are not accepted", f"use a filter: {listed(FILTERS, limit=20)}")
        if not isinstance(item, _ALLOWED_NODES):
            raise TemplateProblem(f"{type(item).__name__} is not accepted in a template")
        if isinstance(item, nodes.Filter) and item.name not in FILTERS:
            hint = did_you_mean(item.name, FILTERS)
            raise TemplateProblem(f'unknown filter "{item.name}"; known: {listed(FILTERS, limit=20)}', hint)
        if isinstance(item, nodes.Test) and item.name != "defined":
            raise TemplateProblem(f'unknown test "{item.name}"; known: defined')
        if isinstance(item, nodes.Getattr) and item.attr.startswith("_"):
            raise TemplateProblem(f'the column "{item.attr}" cannot be reached with a dot')


def _required(node: nodes.Node) -> list[nodes.Node]:
    """Every node that is evaluated strictly: what is before `| default` or `is defined` may be absent."""
    if isinstance(node, nodes.Test) or (isinstance(node, nodes.Filter) and node.name == "default"):
        return [node]
    return [node, *(found for child in node.iter_child_nodes() for found in _required(child))]


def _columns(node: nodes.Node) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for item in _required(node):
        if isinstance(item, nodes.Getattr) and isinstance(item.node, nodes.Name):
            pairs.append((item.node.name, item.attr))
        elif (
            isinstance(item, nodes.Getitem)
            and isinstance(item.node, nodes.Name)
            and isinstance(item.arg, nodes.Const)
            and isinstance(item.arg.value, str)
        ):
            pairs.append((item.node.name, item.arg.value))
    return pairs


def _direct(node: nodes.Expr) -> Callable[[Mapping[str, Any]], Any] | None:
    """A closure for the commonest expressions, ten times faster than Jinja's frame; None for all others."""
    if isinstance(node, nodes.Name):
        name = node.name
        return lambda scope: scope[name]
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        row, column = node.node.name, node.attr
        return lambda scope: scope[row][column]
    if isinstance(node, nodes.Filter) and node.node is not None and node.name in _DIRECT_FILTERS:
        inner = _direct(node.node)
        if inner is None or node.args or node.kwargs or node.dyn_args or node.dyn_kwargs:
            return None
        function: Callable[[Any], Any] = FILTERS[node.name]
        return lambda scope: function(inner(scope))
    return None
