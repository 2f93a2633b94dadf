"""Templates inside string values: text and expressions in turn."""

from collections.abc import Mapping
from typing import Any, Final

from orchestrator.core.suggest import listed
from orchestrator.manifest.templating.expressions import Expression, parse
from orchestrator.manifest.templating.template_problems import Hole, TemplateProblem

CHARS_MAX: Final = 10_000


class Template:
    """A string value: text and expressions in turn."""

    def __init__(self, parts: tuple[str | Expression, ...]) -> None:
        self.parts = parts
        self.expressions = tuple(part for part in parts if isinstance(part, Expression))
        self.names: frozenset[str] = frozenset().union(*(item.names for item in self.expressions))
        self.single = self.expressions[0] if len(parts) == 1 and self.expressions else None

    def text(self, scope: Mapping[str, Any]) -> str:
        """The filled-in text; raises TemplateProblem."""
        return checked(
            "".join(part if isinstance(part, str) else to_text(part.value(scope)) for part in self.parts)
        )


def compile_template(text: str) -> Template:
    """The template of a string value; raises TemplateProblem when it is not one we take."""
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return Template((text,) if text else ())
    if len(text) > CHARS_MAX:
        raise TemplateProblem(f"is longer than {CHARS_MAX} characters")
    return Template(tuple(parse(text)))


def checked(text: str) -> str:
    """`text`, unless it is too long."""
    if len(text) > CHARS_MAX:
        raise TemplateProblem(f"gives {len(text)} characters; {CHARS_MAX} are allowed")
    return text


def to_text(value: Any) -> str:
    """A value as a template writes it; raises TemplateProblem for what has no obvious text."""
    match value:
        case Hole():
            raise value.problem()
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case None:
            raise TemplateProblem(
                "the value is empty (null)", 'write {{ ... | default("...") }} only for absent names'
            )
        case Mapping():
            columns = listed(str(key) for key in value)
            raise TemplateProblem(f"the value is a row; pick one of its columns: {columns}")
        case _:
            raise TemplateProblem("the value is a list; pick an item or use | join")
