"""Schedules and their ticks: fired, expanded, ended, each exactly once, by the database's clock."""
