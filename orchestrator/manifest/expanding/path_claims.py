"""The output paths of one manifest: each is claimed once, by a job or by a row that shares a job."""

from typing import Optional

from orchestrator.core.paths import fold
from orchestrator.manifest.expanding.fingerprints import Fingerprints
from orchestrator.manifest.expanding.outputs import path_problem
from orchestrator.manifest.parameters.binding import BoundText, Combination
from orchestrator.manifest.templating.template_problems import TemplateProblem


class PathClaims:
    """Renders paths and remembers who has them."""

    def __init__(self, output: BoundText, *, beside: Optional["PathClaims"] = None) -> None:
        """What is claimed `beside`, by another template, counts too."""
        self._output = output
        self.claimed: Fingerprints = beside.claimed if beside else Fingerprints()
        # first job, second job, path
        self.collisions: list[tuple[int, int, str]] = beside.collisions if beside else []

    def render(self, combination: Combination, images: int) -> tuple[str, ...]:
        """The paths of a combination, one for each picture; raises TemplateProblem."""
        if images > 1 and "index" not in self._output.own:
            message = f"one job gives {images} pictures, and the output template has no index"
            raise TemplateProblem(message, 'add "-{{ index }}" before the extension')
        paths: list[str] = []
        for index in range(images):
            if index:
                combination.bind(index=index)
            path = self._output.text(combination)
            if problem := path_problem(path):
                raise TemplateProblem(*problem)
            paths.append(path)
        return tuple(paths)

    def claim(self, paths: tuple[str, ...], ordinal: int) -> None:
        """Paths of a job's own; one that is claimed already is a collision."""
        for path in paths:
            earlier = self.claimed.add(hash(fold(path)), ordinal)
            if earlier is not None:
                self.collisions.append((earlier, ordinal, path))

    def share(self, paths: tuple[str, ...], ordinal: int, first: int) -> bool:
        """Paths of a row that shares the job of ordinal `first`: whether any of them is new.

        One that the job has already, or another row that shares it, is the same file.
        """
        new = False
        if len({fold(path) for path in paths}) < len(paths):
            self.collisions.append((ordinal, ordinal, paths[0]))
        for path in paths:
            earlier = self.claimed.add(hash(fold(path)), first)
            new = new or earlier is None
            if earlier not in {None, first}:
                assert earlier is not None
                self.collisions.append((earlier, ordinal, path))
        return new
