"""A folder with a manifest, tables and pictures."""

import io
from pathlib import Path

from PIL import Image

from orchestrator.manifest import Manifest, load_manifest
from orchestrator.yamlio import Problem, ProblemsError


def picture(kind: str = "PNG", size: tuple[int, int] = (400, 300), mode: str = "RGB", **options) -> bytes:
    """A real picture's bytes, large enough for every model."""
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer.getvalue()


PNG = picture()

BASE = """\
version: 1
name: hero
model: kwaivgi/kling-image-o3/edit
matrix:
  product: {csv: products.csv}
  scene: [beach, city]
params:
  prompt: "Place @Image1 on a {{ scene }}"
  images: ["photos/{{ product.photo }}"]
output: "{{ product.sku }}/{{ scene }}-{{ index }}.{{ ext }}"
"""


def folder(path: Path) -> Path:
    """A folder with products.csv (A-1, A-2) and their photos."""
    (path / "photos").mkdir(exist_ok=True)
    (path / "photos" / "one.png").write_bytes(PNG + b"1")
    (path / "photos" / "two.png").write_bytes(PNG + b"2")
    (path / "products.csv").write_text("sku,photo\nA-1,one.png\nA-2,two.png\n")
    return path


def manifest(path: Path, text: str = BASE, **more) -> Manifest:
    """The manifest of a text, in a folder with its files."""
    folder(path)
    file = path / "hero.yaml"
    file.write_text(text)
    return load_manifest(file, today="2026-11-22", **more)


def problems(path: Path, text: str, **more) -> list[Problem]:
    """Everything that is wrong with a text."""
    try:
        manifest(path, text, **more).check()
    except ProblemsError as error:
        return error.problems
    return []
