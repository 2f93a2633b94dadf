"""What an operator decides about jobs and tasks: retry, cancel, explain, assign, resolve."""
