"""Which pictures are chosen: verdicts, further tries of a job, and what an accepted picture costs."""
