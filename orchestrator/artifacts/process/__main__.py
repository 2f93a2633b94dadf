"""The entry point of the process that downloads; see `server`."""

from orchestrator.artifacts.process.server import main

if __name__ == "__main__":
    main()
