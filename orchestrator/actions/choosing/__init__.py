"""Choosing pictures: verdicts, further tries, clean names, handing over what was accepted."""
