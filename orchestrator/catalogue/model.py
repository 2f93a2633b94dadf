"""A model: its parameters, its price, what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from orchestrator.catalogue.images import InputRules
from orchestrator.catalogue.parameters import Parameter, ParamIssue
from orchestrator.catalogue.references import check_references
from orchestrator.core.errors import UsageError
from orchestrator.core.pricing import price_digest
from orchestrator.core.specs import JsonObject
from orchestrator.core.suggest import did_you_mean, listed


@dataclass(frozen=True, slots=True)
class PriceRule:
    """The price of one call: micros per picture by the value of one parameter, times the number of
    pictures.
    """

    by: str  # the parameter that decides the unit price
    micros: Mapping[str, int]  # unit price of each of its values
    source: str  # where the figures are from


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a task usually takes, for an estimate before anything was measured."""

    seconds_typical: float
    seconds_slow: float  # nine of ten are faster
    source: str = "guess until measured"


@dataclass(frozen=True)
class Model:
    """One entry of the catalogue. Parameters given to its methods are a plain mapping, defaults filled in
    or not.
    """

    id: str
    title: str
    parameters: tuple[Parameter, ...]
    price: PriceRule
    latency: Latency
    media_types: Mapping[str, str]  # by the value of `format_param`
    prompt_param: str = "prompt"
    images_param: str = "images"
    count_param: str = "num_images"
    format_param: str = "output_format"
    inputs: InputRules = field(default_factory=InputRules)
    source: str = ""
    revision: int = 1
    """Which model is behind the id, counted from 1. The provider's API tells no version: a release of this
    program raises it when the provider announces another model behind the same id."""

    @cached_property
    def by_name(self) -> dict[str, Parameter]:
        """Parameters by name, in the order of the catalogue."""
        return {parameter.name: parameter for parameter in self.parameters}

    @cached_property
    def defaults(self) -> dict[str, str | int]:
        """What the provider takes for an absent parameter."""
        return {item.name: item.default for item in self.parameters if item.default is not None}

    def validate(self, params: Mapping[str, Any]) -> list[ParamIssue]:
        """Every issue of `params`, in the order of the catalogue: unknown, missing, out of range, bad
        references.

        Unknown parameters are errors because the provider drops them silently and bills the call.
        """
        issues = self.unknown(params)
        for parameter in self.parameters:
            if parameter.name in params:
                issues += parameter.check(params[parameter.name])
            elif parameter.required:
                issues.append(ParamIssue(parameter.name, f"is missing; expected {parameter.allowed_text()}"))
        return issues + self.check_prompt(params)

    def unknown(self, params: Mapping[str, Any]) -> list[ParamIssue]:
        """One error for each name that is no parameter of this model."""
        return [
            ParamIssue(
                name,
                f"unknown parameter of {self.id}; allowed: {listed(self.by_name)}",
                did_you_mean(name, self.by_name),
            )
            for name in params
            if name not in self.by_name
        ]

    def check_prompt(self, params: Mapping[str, Any]) -> list[ParamIssue]:
        """Issues of the prompt's references to pictures."""
        prompt, images = params.get(self.prompt_param), params.get(self.images_param)
        if not isinstance(prompt, str) or not isinstance(images, (list, tuple)):
            return []
        return check_references(self.prompt_param, prompt, len(images))

    def with_defaults(self, params: Mapping[str, Any]) -> JsonObject:
        """`params` with every absent default filled in, in the order of the catalogue."""
        merged: JsonObject = {}
        for name, parameter in self.by_name.items():
            if name in params:
                merged[name] = params[name]
            elif parameter.default is not None:
                merged[name] = parameter.default
        for name in params:
            merged.setdefault(name, params[name])
        return merged

    def coerce(self, name: str, value: object) -> object:
        """The value of a template as the type its parameter needs; unknown names pass."""
        parameter = self.by_name.get(name)
        return parameter.coerce(value) if parameter else value

    def images(self, params: Mapping[str, Any]) -> int:
        """How many pictures a call with `params` asks for."""
        return int(params.get(self.count_param, self.defaults[self.count_param]))

    def price_micros(self, params: Mapping[str, Any]) -> int:
        """The price of a call in micros; raises UsageError when no price is known, so that nothing is
        sent.
        """
        value = params.get(self.price.by, self.defaults.get(self.price.by))
        unit = self.price.micros.get(str(value))
        if unit is None:
            raise UsageError(
                f"no price is known for {self.price.by} {value!r} of {self.id}; "
                f"prices are known for {listed(self.price.micros)}"
            )
        return unit * self.images(params)

    def price_digest(self, params: Mapping[str, Any]) -> str:
        """What calls have in common that cost the same, whatever happens to the price: the inputs that decide
        it.
        """
        value = params.get(self.price.by, self.defaults.get(self.price.by))
        return price_digest(self.id, {self.price.by: value, self.count_param: self.images(params)})

    def media_type(self, params: Mapping[str, Any]) -> str:
        """The media type of the pictures that come back, such as `image/png`."""
        return self.media_types[self.extension(params)]

    def extension(self, params: Mapping[str, Any]) -> str:
        """The file extension of the pictures that come back, without the dot: the word of the output
        format.
        """
        return str(params.get(self.format_param, self.defaults[self.format_param]))

    def params_schema(self) -> JsonObject:
        """JSON Schema (draft-07) of the `params` of a manifest for this model."""
        return {
            "type": "object",
            "additionalProperties": False,
            "properties": {item.name: item.schema() for item in self.parameters},
            "required": [item.name for item in self.parameters if item.required],
        }
