"""Whether pictures can be downloaded and stored now: written by the fetcher, read by who waits for the
end.
"""


class DownloadHealth:
    """What the last downloads came to."""

    def __init__(self) -> None:
        self._trouble = ""
        self._failing_since = 0.0  # monotonic
        self._storage_trouble = ""

    @property
    def trouble(self) -> str:
        """Why the last download failed; empty when it worked."""
        return self._trouble

    @property
    def storage_trouble(self) -> str:
        """Why files cannot be stored; empty when the last one could be."""
        return self._storage_trouble

    def failing_seconds(self, monotonic: float) -> float:
        """How long no download has worked; 0 when the last one did."""
        return monotonic - self._failing_since if self._trouble else 0.0

    def succeeded(self) -> None:
        """A picture was stored."""
        self._trouble = self._storage_trouble = ""

    def failed(self, message: str, monotonic: float) -> None:
        """A download failed, for whatever reason."""
        if not self._trouble:
            self._failing_since = monotonic
        self._trouble = message

    def storage_failed(self, message: str) -> None:
        """A picture came and could not be stored."""
        self._storage_trouble = message
