"""Choosing pictures: verdicts, further tries, which one has the clean name, handing over what was accepted."""
