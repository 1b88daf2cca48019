"""What a repository must hold after the first n operations of a script, computed with dicts alone.

Operation i is a function of the script's seed and i, so whoever knows how many were acknowledged knows the content.
"""

import hashlib
import random
from dataclasses import dataclass, field

N_SOURCES = 3000
SIGNALS = ("quality", "label")

Records = dict[str, int | str]
Content = dict[str, Records]
"""Signal -> source -> value; signals without records are absent."""


def digest(content: Content) -> str:
    """Return a short text that differs for different content."""
    listed = sorted((name, sorted(records.items())) for name, records in content.items())
    return hashlib.sha256(repr(listed).encode()).hexdigest()


@dataclass(frozen=True)
class Operation:
    """One operation of a script."""

    verb: str
    """put, remove, commit, tag or branch."""
    name: str
    """Signal, commit message, tag or branch."""
    records: Records = field(default_factory=dict)
    """For put; for remove only its keys count."""


@dataclass
class Model:
    """The content of a repository with one branch that is worked on."""

    draft: Content = field(default_factory=dict)
    commits: list[tuple[str, str]] = field(default_factory=list)
    """(message, digest of the content), oldest first."""
    tags: set[str] = field(default_factory=set)
    branches: set[str] = field(default_factory=set)

    def apply(self, operation: Operation) -> None:
        """Do an operation."""
        match operation.verb:
            case "put":
                self.draft.setdefault(operation.name, {}).update(operation.records)
            case "remove":
                left = {k: v for k, v in self.draft.get(operation.name, {}).items() if k not in operation.records}
                self.draft.pop(operation.name, None)
                if left:
                    self.draft[operation.name] = left
            case "commit":
                self.commits.append((operation.name, digest(self.draft)))
            case "tag":
                self.tags.add(operation.name)
            case "branch":
                self.branches.add(operation.name)


def make_operation(seed: int, number: int) -> Operation:
    """Return operation `number` of a script; the first puts, the second commits."""
    rng = random.Random(f"{seed}:{number}")
    draw = rng.random()
    if number == 0:
        return _make_put(rng, number)
    if number == 1 or draw < 0.2:
        return Operation("commit", f"commit {number}")
    if draw < 0.3:
        return Operation(rng.choice(["tag", "branch"]), f"name-{number}")
    if draw < 0.45:
        return Operation("remove", rng.choice(SIGNALS), dict.fromkeys(_sources(rng, 40), 0))
    return _make_put(rng, number)


def _make_put(rng: random.Random, number: int) -> Operation:
    signal = rng.choice(SIGNALS)
    sources = _sources(rng, rng.choice([1, 30, N_SOURCES // 2]))
    if signal == "quality":
        return Operation("put", signal, {source: number * 10_000 + i for i, source in enumerate(sources)})
    return Operation(
        "put", signal, {source: f"{number} {source} " + "x" * (i % 50) for i, source in enumerate(sources)}
    )


def _sources(rng: random.Random, count: int) -> list[str]:
    return [f"s3://faces/{i:06d}.jpg" for i in rng.sample(range(N_SOURCES), count)]
