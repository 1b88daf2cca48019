"""What is stored and what it is called never changes, with any release of any library.

A change here means that repositories made before cannot be compared with those made after. It needs a new version of
the format, a migration and a design note; then, and only then, `python tests/golden/make.py --replace`.
"""

import importlib.util
import json
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PINNED = json.loads((HERE / "vectors.json").read_text(encoding="utf-8"))


def _load_cases():
    spec = importlib.util.spec_from_file_location("golden_cases", HERE / "cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found():
    """What the code gives now."""
    return _load_cases().vectors()


def test_every_vector_is_pinned(found):
    """A case without a pinned vector, or a vector without a case, proves nothing."""
    assert sorted(PINNED) == sorted(found)


@pytest.mark.parametrize("name", sorted(PINNED))
def test_vector_holds(found, name):
    """Bytes and ids are those that were pinned."""
    assert PINNED[name] == found[name]
