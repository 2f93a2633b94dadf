"""The parameters of a job, compiled once and bound for each combination."""
