"""Attempts from lease to end: every change of their state, their leases, tasks and outputs."""
