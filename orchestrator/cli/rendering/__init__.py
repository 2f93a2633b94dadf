"""Rows and outcomes as text and as JSON documents."""
