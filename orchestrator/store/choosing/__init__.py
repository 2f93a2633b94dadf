"""Which pictures are chosen: verdicts, checks, further tries, clean names, what an accepted one costs."""
