"""Every manifest in jobs/ is valid, small, and carries the line that gives editors its schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from PIL import Image

from orchestrator.manifest import load_manifest, manifest_json_schema
from orchestrator.settings import config_json_schema
from orchestrator.yamlio import load

JOBS = Path(__file__).parents[2] / "jobs"
MANIFESTS = sorted(JOBS.glob("*.yaml"))


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_in_jobs_is_valid_and_within_its_budget(path):
    manifest = load_manifest(path, today="2026-11-22")
    specs = list(manifest.jobs())
    assert 0 < len(specs) < 50
    assert manifest.warnings == []
    assert manifest.spec.budget_micros is not None
    assert sum(spec.price_micros for spec in specs) <= manifest.spec.budget_micros


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_a_manifest_in_jobs_fits_the_schema_it_names(path):
    lines = path.read_text().splitlines()
    assert lines[0] == "# yaml-language-server: $schema=manifest.schema.json"
    loaded = load(path).data
    errors = list(jsonschema.Draft7Validator(manifest_json_schema()).iter_errors(loaded))
    assert errors == [], errors[0].message if errors else ""


def test_the_quickstart_makes_eight_pictures():
    assert (
        sum(spec.images for spec in load_manifest(JOBS / "quickstart.yaml", today="2026-11-22").jobs()) == 8
    )


def test_the_schemas_beside_the_examples_are_the_current_ones():
    for kind, schema in [("manifest", manifest_json_schema()), ("config", config_json_schema())]:
        kept = json.loads((JOBS / f"{kind}.schema.json").read_text())
        assert kept == schema, f"run: orchestrator schema {kind} > jobs/{kind}.schema.json"


def test_the_pictures_are_small_and_decode():
    for path in (JOBS / "photos").iterdir():
        assert path.stat().st_size < 60_000
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 300
