"""What runs beside the pipeline: start, heartbeat, rescue, bill, and the watchdog of a drain."""
