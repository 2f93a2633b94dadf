"""A document to a blueprint: every block is read, and everything wrong with it reported."""
