"""A batch job orchestrator for a paid image-editing API."""

__version__ = "0.1.0"
