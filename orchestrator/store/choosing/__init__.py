"""Which pictures are chosen: verdicts, further tries, whose the clean name is, and what an accepted one costs."""
