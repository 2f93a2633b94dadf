"""What happened, and which kinds of it there are."""
