"""The soak: hours of real workers on one database, with faults, kills, restarts and cut networks, judged
from outside."""
