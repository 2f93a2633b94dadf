"""Manifests: YAML to a checked `Manifest`, and that to a stream of job specs."""

from orchestrator.manifest.manifest import Manifest, load_manifest
from orchestrator.manifest.shapes.shape import manifest_json_schema

__all__ = ["Manifest", "load_manifest", "manifest_json_schema"]
