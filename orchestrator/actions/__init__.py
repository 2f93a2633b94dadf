"""One operator intention per file. Actions decide and store; they print nothing and ask nothing."""
