"""`python -m tests.simulation`: many seeds, a summary, and the timeline of those that fail."""

from .command import main

raise SystemExit(main())
