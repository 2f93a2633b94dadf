"""One file a command, or a group of commands; imported only when called."""
