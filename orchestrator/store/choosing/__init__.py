"""Choosing pictures: cells and their tries, verdicts, and which picture has the clean name."""
