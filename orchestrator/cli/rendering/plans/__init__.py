"""A plan in words and documents."""
