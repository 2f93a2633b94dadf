"""The right pictures among those that were made: what people and rules say of them."""
