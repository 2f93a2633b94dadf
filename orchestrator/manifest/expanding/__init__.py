"""A compiled manifest to a stream of job specs, with everything that is wrong with it."""
