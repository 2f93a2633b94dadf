"""The models the sandbox offers, written from the provider's pages and deliberately not from our own
catalogue.

The sandbox judges the orchestrator's prices and parameters, so it must not share its mistakes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ASPECT_RATIOS: Final = ("auto", "16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9")
RESOLUTIONS: Final = ("1k", "2k", "4k")
OUTPUT_FORMATS: Final = ("png", "jpeg", "webp")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of a model. `kind` is a JSON Schema type; an array is one of texts."""

    kind: str
    required: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    minimum: int = 0
    maximum: int = 0  # 0: unbounded

    def problem(self, value: Any) -> str | None:
        """What is wrong with `value`, or None."""
        return _PROBLEMS[self.kind](self, value)

    def schema(self) -> dict[str, Any]:
        """The parameter as the model list shows it."""
        found: dict[str, Any] = {"type": self.kind}
        if self.default is not None:
            found["default"] = self.default
        if self.choices:
            found["enum"] = list(self.choices)
        if self.kind == "array":
            found |= {"items": {"type": "string"}, "minItems": self.minimum, "maxItems": self.maximum}
        elif self.maximum:
            found |= {"minimum": self.minimum, "maximum": self.maximum}
        return found


def _text_problem(parameter: Parameter, value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a string"
    if parameter.required and not value.strip():
        return "must not be empty"
    if parameter.choices and value not in parameter.choices:
        return f"must be one of {', '.join(parameter.choices)}"
    return None


def _integer_problem(parameter: Parameter, value: Any) -> str | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return "must be an integer"
    if not parameter.minimum <= value <= parameter.maximum:
        return f"must be from {parameter.minimum} to {parameter.maximum}"
    return None


def _array_problem(parameter: Parameter, value: Any) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "must be an array of URLs"
    if not parameter.minimum <= len(value) <= parameter.maximum:
        return f"must hold {parameter.minimum} to {parameter.maximum} items"
    return None


def _boolean_problem(_parameter: Parameter, value: Any) -> str | None:
    return None if isinstance(value, bool) else "must be a boolean"


_PROBLEMS: Final[Mapping[str, Callable[[Parameter, Any], str | None]]] = {
    "string": _text_problem,
    "integer": _integer_problem,
    "array": _array_problem,
    "boolean": _boolean_problem,
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model: what it takes and what one image costs at the lower resolutions."""

    id: str
    description: str
    unit_micros: int
    parameters: Mapping[str, Parameter]
    double_at_4k: bool = False

    def price_micros(self, inputs: Mapping[str, Any]) -> int:
        """The list price of a call; absent or unusable inputs count as their defaults (docs: pricing API)."""
        asked = self.asked_images(inputs)
        factor = 2 if self.double_at_4k and inputs.get("resolution") == "4k" else 1
        return self.unit_micros * asked * factor

    def asked_images(self, inputs: Mapping[str, Any]) -> int:
        """How many outputs the inputs ask for."""
        asked = inputs.get("num_images", 1)
        return asked if isinstance(asked, int) and asked > 0 else 1


@dataclass(frozen=True, slots=True)
class Checked:
    """Inputs after the model's own check: either usable, or with a problem and its application code."""

    inputs: dict[str, Any]
    dropped: tuple[str, ...] = ()
    problem: str = ""
    code: int = 0


def check_inputs(model: Model, body: Mapping[str, Any], *, strict: bool) -> Checked:
    """Known keys with defaults filled in; unknown ones are dropped in silence unless `strict`.

    Code 1400 is a missing parameter, 1401 an invalid one (docs: error codes).
    """
    dropped = tuple(key for key in body if key not in model.parameters)
    if dropped and strict:
        return Checked(inputs={}, dropped=dropped, problem=f"unknown parameter: {dropped[0]}", code=1401)
    inputs: dict[str, Any] = {}
    for name, parameter in model.parameters.items():
        if name not in body:
            if parameter.required:
                return Checked(inputs={}, dropped=dropped, problem=f"property {name!r} is missing", code=1400)
            inputs[name] = parameter.default
            continue
        problem = parameter.problem(body[name])
        if problem is not None:
            return Checked(inputs={}, dropped=dropped, problem=f"property {name!r} {problem}", code=1401)
        inputs[name] = body[name]
    return Checked(inputs, dropped)


_PROMPT: Final = Parameter("string", required=True)
_IMAGES: Final = Parameter("array", required=True, minimum=1, maximum=10)

MODELS: Final[Mapping[str, Model]] = {
    model.id: model
    for model in (
        Model(
            id="kwaivgi/kling-image-o3/edit",
            description="Edits and combines up to ten reference pictures by a prompt.",
            unit_micros=28_000,
            parameters={
                "prompt": _PROMPT,
                "images": _IMAGES,
                "aspect_ratio": Parameter("string", default="auto", choices=ASPECT_RATIOS),
                "resolution": Parameter("string", default="1k", choices=RESOLUTIONS),
                "num_images": Parameter("integer", default=1, minimum=1, maximum=9),
                "output_format": Parameter("string", default="png", choices=OUTPUT_FORMATS),
            },
            double_at_4k=True,
        ),
        # Stands for the models that declare sync mode; its price was not published, so this one is made up.
        Model(
            id="google/nano-banana/edit",
            description="Edits up to ten reference pictures by a prompt; answers in sync mode too.",
            unit_micros=38_000,
            parameters={
                "prompt": _PROMPT,
                "images": _IMAGES,
                "output_format": Parameter("string", default="png", choices=("png", "jpeg")),
                "enable_sync_mode": Parameter("boolean", default=False),
            },
        ),
    )
}


def describe(model: Model) -> dict[str, Any]:
    """A model's entry in the model list (docs: models API)."""
    return {
        "model_id": model.id,
        "name": model.id.rpartition("/")[2],
        "description": model.description,
        "type": "image-to-image",
        "base_price": model.unit_micros / 1_000_000,
        "sort_order": 0,
        "formula": "",
        "api_schema": {
            "api_schemas": [
                {
                    "type": "model_run",
                    "method": "POST",
                    "server": "",
                    "api_path": f"/api/v3/{model.id}",
                    "request_schema": {
                        "type": "object",
                        "properties": {name: p.schema() for name, p in model.parameters.items()},
                        "required": [name for name, p in model.parameters.items() if p.required],
                        "x-order-properties": list(model.parameters),
                    },
                }
            ]
        },
    }
