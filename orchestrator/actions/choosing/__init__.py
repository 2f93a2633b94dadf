"""Choosing pictures: verdicts, asking for another try, handing over what was accepted."""
