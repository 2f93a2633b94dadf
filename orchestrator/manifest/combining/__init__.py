"""Axes and their combinations: where values come from, in which order, what is left out."""
