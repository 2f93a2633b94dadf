"""The stand-in's HTTP: the provider's endpoints and its own controls."""
