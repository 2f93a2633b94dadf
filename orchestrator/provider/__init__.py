"""The provider's HTTP: `WaveSpeed` implements `orchestrator.ports.Provider`."""

from orchestrator.provider.wavespeed import WaveSpeed
from orchestrator.runtime.http_transport import make_transport

__all__ = ["WaveSpeed", "make_transport"]
