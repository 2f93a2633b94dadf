"""The catalogue's data: one entry a model."""

from typing import Final

from orchestrator.catalogue.images import MEGABYTE, InputRules
from orchestrator.catalogue.model import Latency, Model, PriceRule
from orchestrator.catalogue.parameters import Kind, Parameter
from orchestrator.core.errors import NotFoundError
from orchestrator.core.suggest import did_you_mean, listed

KLING_LIMITS: Final = (
    "docs.comfy.org, Kling Image O1 and Omni; cloud.tencent.com/document/product/1823/138803"
)
"""Where the maker's own limits are from: of pictures, and of the length of a prompt. The provider takes
more in an upload, and then the paid task fails."""

KLING_IMAGE_O3_EDIT: Final = Model(
    id="kwaivgi/kling-image-o3/edit",
    title="Kling Image O3, edit: new pictures from a prompt and 1 to 10 reference pictures",
    source="docs: kwaivgi-kling-image-o3-edit",
    parameters=(
        Parameter(
            "prompt",
            Kind.TEXT,
            "What to make of the pictures. Name them @Image1, @Image2 in the order of `images`.",
            required=True,
            maximum=2_500,
        ),
        Parameter(
            "images",
            Kind.IMAGES,
            "The reference pictures: local files (uploaded once for each distinct content) or https URLs.",
            required=True,
            minimum=1,
            maximum=10,
        ),
        Parameter(
            "aspect_ratio",
            Kind.CHOICE,
            "Shape of the result; auto follows the references.",
            default="auto",
            allowed=("auto", "16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"),
        ),
        Parameter(
            "resolution",
            Kind.CHOICE,
            "Size of the result; 4k costs twice as much.",
            default="1k",
            allowed=("1k", "2k", "4k"),
        ),
        Parameter(
            "num_images",
            Kind.INTEGER,
            "How many pictures one call returns; each is billed.",
            default=1,
            minimum=1,
            maximum=9,
        ),
        Parameter(
            "output_format",
            Kind.CHOICE,
            "File format of the result.",
            default="png",
            allowed=("png", "jpeg", "webp"),
        ),
    ),
    price=PriceRule(
        by="resolution",
        micros={"1k": 28_000, "2k": 28_000, "4k": 56_000},
        source="docs: kwaivgi-kling-image-o3-edit",
    ),
    latency=Latency(seconds_typical=25.0, seconds_slow=60.0),
    media_types={"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"},
    inputs=InputRules(
        media_types=("image/jpeg", "image/png"),
        bytes_max=10 * MEGABYTE,
        side_min=300,
        ratio_max=2.5,
        source=KLING_LIMITS,
    ),
)

_MODELS: Final = {model.id: model for model in (KLING_IMAGE_O3_EDIT,)}


def all_models() -> tuple[Model, ...]:
    """Every model of the catalogue, in its order."""
    return tuple(_MODELS.values())


def revisions() -> dict[str, int]:
    """The revision of each model that jobs are made with now, by id."""
    return {model.id: model.revision for model in _MODELS.values()}


def get(model_id: str) -> Model:
    """The model of this id; raises NotFoundError with the nearest id when there is none."""
    try:
        return _MODELS[model_id]
    except KeyError:
        hint = did_you_mean(model_id, _MODELS)
        message = f"unknown model {model_id!r}; known: {listed(_MODELS)}"
        raise NotFoundError(f"{message}; {hint}" if hint else message) from None
