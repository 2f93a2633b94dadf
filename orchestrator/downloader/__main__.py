"""See the package."""

from orchestrator.downloader import main

if __name__ == "__main__":
    main()
