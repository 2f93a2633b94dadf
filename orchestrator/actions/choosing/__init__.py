"""Choosing pictures: verdicts, and asking for another try."""
