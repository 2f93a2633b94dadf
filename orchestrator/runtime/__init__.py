"""What a process needs to run: time, the event loop, connections, crash points."""
