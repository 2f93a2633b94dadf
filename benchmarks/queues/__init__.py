"""Other queues on Postgres running the bare script's coroutine: `python -m benchmarks.queues`."""
