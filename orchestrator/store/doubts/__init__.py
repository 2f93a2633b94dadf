"""Attempts whose reply was lost: evidence, adoption, webhook reports."""
