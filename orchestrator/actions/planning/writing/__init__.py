"""Checked jobs to rows."""
