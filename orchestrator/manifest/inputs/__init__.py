"""Local pictures that a job sends: found, judged, compared, converted."""
