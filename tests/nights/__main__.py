"""`python -m tests.nights`."""

from .command import main

if __name__ == "__main__":
    raise SystemExit(main())
