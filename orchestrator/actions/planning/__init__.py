"""Manifests to a plan, and a plan to rows."""
