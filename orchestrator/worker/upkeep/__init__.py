"""What runs beside the lanes: start, heartbeat, bill, the end of a drain."""
