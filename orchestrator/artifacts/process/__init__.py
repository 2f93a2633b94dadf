"""The process that downloads: the worker's end of the pipe, and its own."""
