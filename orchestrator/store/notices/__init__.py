"""Notices: what people are to be told, from the moment it is found until it is delivered."""
