"""Choosing pictures: verdicts, further tries, and which picture has the clean name."""
