"""Which pictures are chosen: what people and rules say of them, further tries, what an accepted one costs."""
