"""Campaigns and runs to be shown, with their counts and money."""
