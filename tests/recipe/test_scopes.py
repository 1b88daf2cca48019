"""Steps of groups and of all records, as a recipe says them."""

from importlib.metadata import EntryPoint

import pytest

from dsvc.errors import RecipeError
from dsvc.plugins import hookimpl
from dsvc.plugins.contracts import Outcome, Transform
from dsvc.plugins.manager import Plugins
from dsvc.recipe.load import load_recipe
from dsvc.recipe.paths import InputPath

STEP = '[step.best]\npython = "steps:f"\ninputs = ["quality", "blur"]\noptional = ["blur"]\n'
KNOWN = ("quality", "blur", "capture")


class Rank(Transform):
    """Ranks the members of a group."""

    version = "1"
    output = "int64"
    kind = "group"
    inputs = {"quality": None}

    def __call__(self, batch, pixels=None):
        """Return the rows' numbers."""
        return Outcome(list(range(batch.num_rows)))


class Balance(Rank):
    """Works on everything."""

    kind = "global"


class Plain(Rank):
    """Works on records."""

    kind = "map"


@hookimpl
def dsvc_transforms():
    """Offer them: this module is a plugin."""
    return {"rank": Rank, "balance": Balance, "plain": Plain}


def step(recipe, text):
    """Return the one step of a recipe."""
    return load(recipe, text).steps["best"]


def load(recipe, text):
    """Load a recipe with the plugins of this module."""
    recipe.toml(text)
    return load_recipe(recipe.path, plugins=Plugins([EntryPoint("ours", __name__, "dsvc")]), also_known=KNOWN)


def refused(recipe, text):
    """Return (key, line, message) of the error that a recipe is refused with."""
    with pytest.raises(RecipeError) as caught:
        load(recipe, text)
    assert "dsvc.toml" == caught.value.file
    return caught.value.key, caught.value.line, f"{caught.value} {caught.value.hint}"


def test_a_step_is_of_records_unless_it_says_otherwise(recipe):
    """Then it depends on its inputs alone."""
    spec = step(recipe, STEP)

    assert ("record", None) == (spec.scope, spec.group)
    assert spec.inputs == spec.depends


def test_the_group_is_an_input_that_a_record_must_have(recipe):
    """Whether it is one of `inputs` or not; the function does not see it then."""
    spec = step(recipe, STEP + 'group = "capture.subject"\n')
    subject = InputPath("capture", ("subject",))

    assert ("group", subject) == (spec.scope, spec.group)
    assert (InputPath("quality"), InputPath("blur")) == spec.inputs
    assert (*spec.inputs, subject) == spec.depends
    assert (InputPath("quality"), subject) == spec.required


def test_a_group_that_is_an_input_is_named_once(recipe):
    """Its place is that among the inputs."""
    spec = step(recipe, STEP + 'group = "quality"\n')

    assert spec.inputs == spec.depends
    assert (InputPath("quality"),) == spec.required


def test_a_global_step_has_no_group(recipe):
    """It is one of all records; `global = false` says nothing."""
    spec = step(recipe, STEP + "global = true\n")

    assert ("global", None) == (spec.scope, spec.group)
    assert "record" == step(recipe, STEP + "global = false\n").scope
    assert "group" == step(recipe, STEP + 'global = false\ngroup = "capture"\n').scope


@pytest.mark.parametrize(
    ("text", "key", "line", "expected"),
    [
        (STEP + 'global = true\ngroup = "capture"\n', "step.best.group", 6, "no `group` beside `global = true`"),
        (STEP + 'group = "a..b"\n', "step.best.group", 5, "the signal or field whose equal values make a group"),
        (STEP + 'group = "pixels"\n', "step.best.group", 5, "the signal or field whose equal values make a group"),
        (STEP + 'group = "blur"\n', "step.best.group", 5, "an input that is not `optional`"),
        (STEP + "group = 3\n", "step.best.group", 5, "the signal or field whose equal values make a group"),
        (STEP + "global = 1\n", "step.best.global", 5, "true or false"),
        (STEP + 'group = "captur.subject"\n', "step.best.group", 5, "did you mean 'capture'?"),
        (STEP + 'grup = "capture.subject"\n', "step.best.grup", 5, "did you mean 'group'?"),
        ('[step.best]\nsql = "SELECT blur"\ngroup = "capture"\n', "step.best.group", 3, "SQL makes record by record"),
        ('[step.best]\nsql = "SELECT blur"\nglobal = true\n', "step.best.global", 3, "SQL makes record by record"),
    ],
)
def test_what_a_scope_refuses(recipe, text, key, line, expected):
    """Each with file, line and key."""
    found = refused(recipe, text)

    assert (key, line) == found[:2]
    assert expected in found[2]


INSTALLED = '[step.best]\ntransform = "{}"\ninputs = ["quality"]\n'


@pytest.mark.parametrize(
    ("name", "more", "key", "expected"),
    [
        ("plain", 'group = "capture"\n', "step.best.group", "the transform plain makes record by record"),
        ("plain", "global = true\n", "step.best.global", "the transform plain makes record by record"),
        ("rank", "", "step.best", "the transform rank makes groups"),
        ("rank", "global = true\n", "step.best.global", "the transform rank makes groups"),
        ("balance", "", "step.best", "the transform balance makes all records at once"),
        ("balance", 'group = "capture"\n', "step.best.group", "the transform balance makes all records at once"),
    ],
)
def test_a_transform_is_used_as_its_kind_says(recipe, name, more, key, expected):
    """The scope of a step is that of the class."""
    found = refused(recipe, INSTALLED.format(name) + more)

    assert key == found[0]
    assert expected in found[2]


@pytest.mark.parametrize(
    ("name", "more", "scope"),
    [
        ("plain", "", "record"),
        ("rank", 'group = "capture.subject"\n', "group"),
        ("balance", "global = true\n", "global"),
    ],
)
def test_a_transform_of_each_kind(recipe, name, more, scope):
    """All three can be steps."""
    assert scope == step(recipe, INSTALLED.format(name) + more).scope
