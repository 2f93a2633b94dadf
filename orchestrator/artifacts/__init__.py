"""Where outputs are kept: `LocalArtifacts` implements `orchestrator.ports.ArtifactStore`."""

from orchestrator.artifacts.files import FileStore, RealFiles, TempFile
from orchestrator.artifacts.local import LocalArtifacts
from orchestrator.artifacts.places import NsfwPolicy

__all__ = ["FileStore", "LocalArtifacts", "NsfwPolicy", "RealFiles", "TempFile"]
