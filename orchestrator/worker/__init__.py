"""The worker: an attempt on its way to its pictures, lost replies, guards, upkeep. Loops are ticks."""
