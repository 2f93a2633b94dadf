"""The right pictures among those that were made: what was accepted is handed over."""
