"""Faults on demand: their names, the script that asks for them, the dice that decide."""
