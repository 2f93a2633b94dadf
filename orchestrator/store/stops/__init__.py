"""What is stopped, and why."""
