"""Measurements: run `make bench`. Figures are compared side by side in one run, never asserted by the
tests."""
