"""What judges find."""

from dataclasses import dataclass, field


@dataclass
class Judgement:
    """What was found. `problems` is empty when all is well."""

    problems: list[str] = field(default_factory=list)
    double_billed: int = 0  # paid tasks beyond what the attempts of a job were entitled to
    lost: int = 0  # accepted tasks that nobody knows, and paid pictures that are not on disk
    doubted: int = 0  # attempts whose reply was lost, by a kill or a fault
    tasks: int = 0
    pictures: int = 0

    def blame(self, truth: bool, problem: str) -> None:
        """Note a problem unless `truth` holds."""
        if not truth:
            self.problems.append(problem)

    def __iadd__(self, other: "Judgement") -> "Judgement":
        self.problems += other.problems
        for name in ("double_billed", "lost", "doubted", "tasks", "pictures"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self
