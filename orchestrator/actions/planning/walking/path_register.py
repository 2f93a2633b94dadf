"""Output paths that two manifests of one command would both write."""

from collections.abc import Sequence

from orchestrator.core.errors import UsageError
from orchestrator.core.paths import path_key
from orchestrator.core.specs import JobSpec, RunSpec, TwinSpec
from orchestrator.manifest.expanding.fingerprints import Fingerprints


class PathRegister:
    """Which manifest of this command claims which output path; only needed for more than one manifest.

    Two runs of one manifest are no conflict here: the store keeps both pictures by giving the later one a
    suffix. Kept are 64 bits of each path's key, as everywhere where a million of them are in memory.
    """

    def __init__(self) -> None:
        self._seen = Fingerprints()
        self._owners: list[tuple[str, str]] = []

    def claim(self, owner: RunSpec, specs: Sequence[JobSpec | TwinSpec]) -> list[str]:
        """Register the paths of `specs`; returns one sentence for each that another manifest has."""
        identity = (owner.campaign, owner.name)
        if identity not in self._owners:
            self._owners.append(identity)
        number = self._owners.index(identity)
        taken = []
        for spec in specs:
            for path in spec.output_paths:
                first = self._seen.add(int.from_bytes(path_key(path)[:8]), number)
                if first is not None and first != number:
                    campaign, name = self._owners[first]
                    taken.append(
                        f"{path} is written by {campaign}/{name} and by {owner.campaign}/{owner.name}"
                    )
        return taken


class SharedPathsError(UsageError):
    """Two manifests of one command write the same file."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences
        shown = "\n".join(f"  {sentence}" for sentence in sentences[:10])
        more = f"\n  ... and {len(sentences) - 10} more" if len(sentences) > 10 else ""  # noqa: PLR2004
        super().__init__(
            "Two manifests write the same files; nothing is ever overwritten:\n"
            f"{shown}{more}\nChange `output:` so that it names the manifest, for example with "
            f"{{{{ name }}}}. "
            "Nothing was written and nothing was spent."
        )
