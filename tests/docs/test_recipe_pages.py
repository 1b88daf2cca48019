"""The pages on recipes and plugins name everything there is to name, and their recipes are recipes."""

import json
import re
import tomllib

import pytest

from dsvc.errors import RecipeError
from dsvc.objects.encoding import hash_encoded
from dsvc.objects.oid import Kind
from dsvc.objects.types import parse_type
from dsvc.plugins import hookspecs
from dsvc.plugins.manager import Plugins
from dsvc.recipe.expressions import parse_select
from dsvc.recipe.files import INCLUDE
from dsvc.recipe.hashing import transform_hash
from dsvc.recipe.load import SECTIONS, load_recipe
from dsvc.recipe.spec import StepSpec
from tests.docs.session import PROJECT

HOW_TO = PROJECT / "docs" / "how-to" / "recipe.md"
REFERENCE = PROJECT / "docs" / "reference" / "recipe.md"
PLUGINS = PROJECT / "docs" / "how-to" / "plugins.md"

MINIMAL = {
    "signal": {'from = "f"\nvalue = "v"'},
    "step": {'sql = "SELECT s AS x"', 'python = "m:f"\ninputs = ["s"]', 'transform = "t"\ninputs = ["s"]'},
    "split": {'by = "s"\nparts = { a = 1.0 }'},
    "dataset": {""},
}


def known_keys(section, tmp_path):
    """Return every key of a section, as the error about an unknown one lists them."""
    keys = set()
    for body in MINIMAL[section]:
        (tmp_path / "dsvc.toml").write_text(
            '[feed.f]\nplugin = "files"\npointer = "p"\n[signal.s]\nfrom = "f"\nvalue = "v"\n'
            f"[{section}.x]\n{body}\nno_such_key = 1\n"
        )
        with pytest.raises(RecipeError) as caught:
            load_recipe(tmp_path)
        keys |= set(caught.value.expected.removeprefix("one of ").split(", "))
    return keys


@pytest.mark.parametrize("page", [HOW_TO, REFERENCE], ids=["how-to", "reference"])
@pytest.mark.parametrize("section", MINIMAL)
def test_every_key_is_explained(page, section, tmp_path):
    """Whatever the loader knows is on the page."""
    text = page.read_text()
    keys = known_keys(section, tmp_path)

    assert len(keys) > 2
    assert [] == [key for key in sorted(keys) if not re.search(rf"(`|\b){key}(`|\s+=)", text)]


@pytest.mark.parametrize("page", [HOW_TO, REFERENCE], ids=["how-to", "reference"])
def test_every_key_of_a_feed_is_explained(page):
    """Those that every feed has, and the top of the file."""
    text = page.read_text()
    keys = ["plugin", "pointer", "content_id", "size", "modified", "cursor", "about", "filter", INCLUDE]

    assert [] == [key for key in keys if not re.search(rf"(`|\b){key}(`|\s+=)", text)]
    assert [] == [section for section in SECTIONS if f"[{section}." not in text]


def test_the_recipe_of_the_page_is_one(tmp_path):
    """All of its tables together, with a signal that is put by hand."""
    blocks = re.findall(r"```toml\n(.*?)```", HOW_TO.read_text(), re.DOTALL)
    (tmp_path / "dsvc.toml").write_text("\n".join(block for block in blocks if not block.startswith("include")))
    recipe = load_recipe(tmp_path, also_known=["embedding"])

    by_record = {"face_count", "faces", "from_new_model", "face_area", "embedding_norm", "sharpness"}
    assert {*by_record, "is_best", "weight"} == set(recipe.steps)
    assert {"detector", "counts", "crops"} == set(recipe.datasets)


def test_the_worked_example_of_identities_is_right():
    """The list on the page hashes to the id on the page, and is what the step has."""
    text = (PROJECT / "docs" / "reference" / "identities.md").read_text()
    (shown,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    (expected,) = re.findall(r"`([0-9a-f]{64})`", text)
    int64 = parse_type("int64")
    listed = json.loads(shown.replace("type id of int64", f'"{int64.id.hex()}"'))
    listed[7][1] = int64.id
    select = parse_select("SELECT len(a) AS n")
    step = StepSpec("n", "sql", "SELECT len(a) AS n", select=select, inputs=select.inputs)

    assert expected == hash_encoded(Kind.TRANSFORM, listed).hex()
    assert expected == transform_hash(step, int64, PROJECT, Plugins([])).hex()


def test_every_hook_is_explained():
    """With its arguments, which it names."""
    text = PLUGINS.read_text()

    assert [] == [name for name in vars(hookspecs) if name.startswith("dsvc_") and f"`{name}()`" not in text]


def test_the_plugin_of_the_page_is_one():
    """Its code can be read, and its entry points are of our groups; the page itself builds, installs and uses it."""
    text = PLUGINS.read_text()
    entries = [tomllib.loads(block) for block in re.findall(r"```toml[^\n]*\n(.*?)```", text, re.DOTALL)]
    groups = [set(entry["project"]["entry-points"]) for entry in entries if "project" in entry]

    assert [{"dsvc"}, {"dsvc.commands"}] == groups
    for block in re.findall(r"```python[^\n]*\n(.*?)```", text, re.DOTALL):
        compile(block, "plugins.md", "exec")
