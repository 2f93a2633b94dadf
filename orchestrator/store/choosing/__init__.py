"""Which pictures are chosen: verdicts, further tries, clean names, and what an accepted picture costs."""
