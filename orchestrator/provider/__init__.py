"""The provider's HTTP: `WaveSpeed` implements `orchestrator.ports.Provider`."""

from orchestrator.provider.transport import make_transport
from orchestrator.provider.wavespeed import WaveSpeed

__all__ = ["WaveSpeed", "make_transport"]
