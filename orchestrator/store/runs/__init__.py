"""Campaigns, runs and their jobs."""
