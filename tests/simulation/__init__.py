"""A deterministic simulation: real workers, real SQLite, virtual time, a scripted provider, and checks
from outside."""
