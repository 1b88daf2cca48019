"""Random stories of recipes with all kinds of steps: every version comes out equal, whatever traces made it."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dsvc.engine.verifying.reproduce import reproduce
from dsvc.recipe.files import recipe_files
from dsvc.recipe.spec import Recipe
from dsvc.repo.base import BaseRepository
from dsvc.repo.layout import Layout
from dsvc.repo.refs import FIRST_BRANCH, HEAD, symbolic
from dsvc.store.base import RefChange
from dsvc.store.memory import MemoryStore
from tests.engine.models import PLUGINS
from tests.engine.test_oracle import SOURCES, VALUES, edit, put, steps
from tests.engine.world import BASE, World


class Keeping(BaseRepository):
    """A repository whose commits keep the recipe as it lies."""

    def recipe_files(self):
        return recipe_files(self.path)


class KeptWorld(World):
    """A world whose versions can be derived again."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        ticks = itertools.count(1_767_225_600_000_000)
        self.repo = Keeping(Layout(path), MemoryStore(), author="ann", clock=lambda: next(ticks))
        self.repo.store.refs.update([RefChange(HEAD, None, symbolic(FIRST_BRANCH))])

    def load(self) -> Recipe:
        self._files = {}  # a switch has written those of another branch
        return super().load()


@settings(max_examples=12, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_every_version_is_reproduced(data):
    """Records that traces and other branches gave are those that executing everything gives."""
    with tempfile.TemporaryDirectory() as directory:
        world = KeptWorld(Path(directory) / "world")
        world.branch.steps = data.draw(steps())
        for signal in BASE:
            put(
                world,
                signal,
                data.draw(st.dictionaries(st.sampled_from(SOURCES), VALUES[signal], min_size=1, max_size=10)),
                "w@1",
            )
        versions = []
        for number in range(3):
            for _ in range(data.draw(st.integers(0, 2)) if number else 0):
                edit(world, data.draw)
            world.run()
            commit = world.repo.commit("round", allow_empty=True)
            if {*BASE} <= {*world.repo.view().signals}:  # else its recipe names a signal that nobody put
                versions.append(commit.id)
        before = list(world.repo.store.refs.iter_refs()), set(world.repo.store.objects.iter_oids())

        for version in versions:
            found = reproduce(world.repo, PLUGINS, version)

            assert [] == [(part.name, part.status, part.why) for part in found.parts if part.status != "equal"]
            assert found.root == found.made_root
            derived = {entry.name for entry in world.repo.view(version).state.derived}
            assert derived <= {part.name for part in found.parts}

        assert before == (list(world.repo.store.refs.iter_refs()), set(world.repo.store.objects.iter_oids()))
