"""The keys of tasks and platforms: what is taken, what is refused, and what a task's identity is made of."""

from decimal import Decimal

import pytest

from dsvc.errors import PluginNotFoundError, RecipeError
from dsvc.plugins.manager import Plugins
from dsvc.recipe.hashing import task_definition
from dsvc.recipe.load import load_recipe
from dsvc.recipe.task_spec import AuditSpec, LotSpec, Nearness, OverlapSpec
from tests.recipe.test_sections import HEAD, LINES

BOXES = HEAD + '[signal.d]\nfrom = "f"\ntype = "boxes"\nvalue = "b"\n'
PLATFORM = '[platform.p]\nplugin = "files"\n'

EXAMPLE = """\
[task.face_boxes]
platform  = "p"
type      = "boxes"
of        = "d"
mode      = "adjust"
ask       = "len(d) = 0 OR list_min([b.score for b in d]) < 0.8"
guideline = "guidelines/face_boxes.md"
version   = "2"
accept    = ">=1"
answers   = { from = "f", only = { kind = "face_box" }, value = "boxes", annotator = "worker", at = "created_at" }
same      = { iou = 0.95 }
overlap   = { min = 1, max = 3, until = 0.9 }
[task.face_boxes.audit]
sample    = 0.10
lot       = { by = "d._version", size = 500, close_after = "12h" }
max_error = 0.02
agree     = { iou = 0.8 }
on_fail   = "found"
rounds    = 2
"""


def read(recipe, text, name="x"):
    """Return the task that some lines say."""
    return load_recipe(recipe.toml(BOXES + PLATFORM + text).path).tasks[name]


def test_the_whole_of_a_task_is_read(recipe):
    """Every key of the example."""
    spec = read(recipe, EXAMPLE, "face_boxes")

    assert ("boxes", "d", "adjust", "2", "p") == (spec.type_text, str(spec.of), spec.mode, spec.version, spec.platform)
    assert OverlapSpec(1, 3, Decimal("0.9")) == spec.overlap
    assert Nearness("iou", Decimal("0.95")) == spec.same
    assert ("1" in spec.accept, "0.9" in spec.accept) == (True, False)
    assert ("f", "boxes", "worker", "created_at") == (
        spec.answers.feed,
        spec.answers.value,
        spec.answers.annotator,
        spec.answers.at,
    )
    lot = LotSpec(spec.audit.lot.by, 500, 12 * 3600 * 10**6)
    expected = AuditSpec(Decimal("0.1"), Decimal("0.02"), Nearness("iou", Decimal("0.8")), None, "found", 2, lot=lot)
    assert expected == spec.audit


def test_a_task_that_says_little_asks_one_person_about_everything(recipe):
    """From nothing, answers of its own version alone."""
    spec = read(recipe, '[task.x]\ntype = "rating(5)"\n')

    assert ("label", True, OverlapSpec(1, 1), None) == (spec.mode, spec.asks_all, spec.overlap, spec.audit)
    assert ("1" in spec.accept, "2" in spec.accept) == (True, False)


def test_a_judged_value_is_shown_unless_told(recipe):
    """With `of`, the mode is adjust."""
    assert "adjust" == read(recipe, '[task.x]\ntype = "boxes"\nof = "d"\n').mode


@pytest.mark.parametrize("more,people", [("", True), ('of = "d"\n', False)])
def test_an_audit_is_of_values_that_no_person_gave(recipe, more, people):
    """Where there are any: of a task that judges nothing, it is of what people gave."""
    audit = "audit = { sample = 0.1, max_error = 0.1 }\n"

    assert people is read(recipe, f'[task.x]\ntype = "boxes"\n{more}{audit}').audit.people
    told = audit.replace(" }", f", people = {str(not people).lower()} }}")
    assert people is not read(recipe, f'[task.x]\ntype = "boxes"\n{more}{told}').audit.people


def test_a_platform_keeps_what_its_plugin_reads(recipe):
    """Addresses stay as they are written: `${NAME}` is replaced when it is opened."""
    text = PLATFORM + 'url = "${URL}"\nstaging = "s3://b/p"\nhours = "Mon-Fri 08:00-18:00"\nattempts = 3\n'
    spec = load_recipe(recipe.toml(BOXES + text).path).platforms["p"]

    assert ("files", {"url": "${URL}"}, "s3://b/p", 3) == (spec.plugin, spec.options, spec.staging, spec.attempts)


def test_a_platform_that_nobody_offers_is_an_error(recipe):
    """Where plugins are at hand."""
    with pytest.raises(PluginNotFoundError):
        load_recipe(recipe.toml('[platform.p]\nplugin = "nobody"\n').path, plugins=Plugins())


def test_steps_and_tasks_have_one_order(recipe):
    """A step that reads a task comes after it, and `order` names the steps alone."""
    text = '[step.n]\nsql = "SELECT len(x) AS n"\n[task.x]\ntype = "boxes"\nof = "d"\nask = "m > 1"\n'
    loaded = load_recipe(recipe.toml(BOXES + text + '[step.m]\nsql = "SELECT len(d) AS m"\n').path)

    assert ("m", "x", "n") == loaded.node_order
    assert ("m", "n") == loaded.order
    assert "task.x" == loaded.owner("x")


REFUSED = {
    "no type": ("", "task.x.type", "the type of its answers"),
    "a type nobody labels": ('type = "score"\n', "task.x.type", "a type that people can be asked for"),
    "a key it does not know": ('type = "boxes"\noverlp = {}\n', "task.x.overlp", "one of"),
    "a mode without of": ('type = "boxes"\nmode = "verify"\n', "task.x.mode", "`of` beside it"),
    "a mode it does not know": ('type = "boxes"\nof = "d"\nmode = "verfy"\n', "task.x.mode", "one of label"),
    "of a field": ('type = "boxes"\nof = "d.x"\n', "task.x.of", "a signal: its whole value"),
    "of nothing": ('type = "boxes"\nof = "dd"\n', "task.x.of", "a signal"),
    "of another type": ('type = "rating(5)"\nof = "d"\n', "task.x.type", "the type of the signal that is judged"),
    "no such platform": ('type = "boxes"\nplatform = "q"\n', "task.x.platform", "a platform"),
    "no such feed": ('type = "boxes"\nanswers = { from = "g", value = "v" }\n', "task.x.answers.from", "a feed"),
    "an own version it refuses": (
        'type = "boxes"\nversion = "2"\naccept = "<2"\n',
        "task.x.accept",
        "a range that has",
    ),
    "same of a class": ('type = "class(a, b)"\nsame = { iou = 1 }\n', "task.x.same", "no `same`"),
    "same by another metric": ('type = "boxes"\nsame = { oks = 0.9 }\n', "task.x.same.oks", "one of iou"),
    "within nothing": ('type = "rating(5)"\nsame = { within = -1 }\n', "task.x.same.within", "a number of steps"),
    "sigmas of other points": (
        'type = "keypoints(3)"\nsame = { oks = 0.9, sigma = [0.1] }\n',
        "task.x.same.sigma",
        "the spread of a point",
    ),
    "more at least than at most": (
        'type = "boxes"\noverlap = { min = 3, max = 2 }\n',
        "task.x.overlap.max",
        "from `min`",
    ),
    "until without max": ('type = "boxes"\noverlap = { until = 0.9 }\n', "task.x.overlap.until", "`max` above"),
    "an audit without sample": ('type = "boxes"\naudit = { max_error = 0.1 }\n', "task.x.audit.sample", "the share"),
    "an audit without limit": ('type = "boxes"\naudit = { sample = 0.1 }\n', "task.x.audit.max_error", "the share"),
    "a fail it does not know": (
        'type = "boxes"\naudit = { sample = 0.1, max_error = 0.1, on_fail = "al" }\n',
        "task.x.audit.on_fail",
        "one of lot",
    ),
    "rates in the wrong order": (
        'type = "boxes"\naudit = { sample = 0.1, max_error = 0.1, reject_error = 0.05 }\n',
        "task.x.audit.reject_error",
        "more than",
    ),
    "large lots that hardly differ": (
        'type = "boxes"\naudit = { max_error = 0.1, reject_error = 0.101, lot = { size = 10001 } }\n',
        "task.x.audit.reject_error",
        "lots of 10,000 at most, or more between",
    ),
    "no length of time": (
        'type = "boxes"\naudit = { sample = 0.1, max_error = 0.1, lot = { close_after = "soon" } }\n',
        "task.x.audit.lot.close_after",
        "a length of time",
    ),
    "a guideline elsewhere": ('type = "boxes"\nguideline = "../x"\n', "task.x.guideline", "a path inside"),
    "a variable": ('type = "boxes"\nversion = "${V}"\n', "task.x.version", "no environment variable"),
    "priority of fractions": ('type = "boxes"\npriority = 9\n', "task.x.priority", "an integer from -8 to 7"),
    "a margin around nothing": ('type = "boxes"\nimage = { margin = 0.1 }\n', "task.x.image.margin", "`crop` beside"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_no_sense_is_refused(recipe, name):
    """At the key that is wrong."""
    text, key, expected = REFUSED[name]

    with pytest.raises(RecipeError) as caught:
        read(recipe, "[task.x]\n" + text)

    assert key == caught.value.key
    assert expected in caught.value.expected


def test_a_misspelt_key_has_its_nearest(recipe):
    """At every depth."""
    with pytest.raises(RecipeError) as caught:
        read(recipe, '[task.x]\ntype = "boxes"\noverlap = { mn = 1 }\n')

    assert "min" == caught.value.nearest


@pytest.mark.parametrize(
    "first,second", [("signal.d]\nfrom = 'f'\nvalue = 'v'", "d"), ("step.y]\nsql = 'SELECT s AS y'", "y")]
)
def test_a_task_shares_the_names_of_signals(recipe, first, second):
    """Its result is a signal."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.toml(f'{HEAD}[{first}\n[task.{second}]\ntype = "boxes"\n').path)

    assert f"task.{second}" == caught.value.key
    assert LINES < caught.value.line


def test_a_circle_of_tasks_and_steps_is_named(recipe):
    """Whichever of them it goes through."""
    text = '[task.x]\ntype = "boxes"\nask = "n > 1"\n[step.n]\nsql = "SELECT len(x) AS n"\n'

    with pytest.raises(RecipeError, match="steps and tasks that do not read each other in a circle"):
        load_recipe(recipe.toml(BOXES + text).path)


OPERATION = [
    ('platform  = "p"\n', ""),
    ('guideline = "guidelines/face_boxes.md"', 'guideline = "other.md"'),
    ('version   = "2"', 'version   = "2"\npriority = 3\nbudget = "8h"'),
    ("0.10", "0.1"),
    ("len(d) = 0 OR", "len( d )=0  OR"),
    ("[task.face_boxes", "[task.renamed"),
]
MEANING = [
    ('mode      = "adjust"', 'mode      = "verify"'),
    ("< 0.8", "< 0.7"),
    ('version   = "2"', 'version   = "3"'),
    ('accept    = ">=1"', 'accept    = ">=2"'),
    ("iou = 0.95", "iou = 0.9"),
    ("max = 3", "max = 4"),
    ("until = 0.9", "until = 0.8"),
    ("sample    = 0.10", "sample    = 0.2"),
    ("size = 500", "size = 501"),
    ('"12h"', '"13h"'),
    ("max_error = 0.02", "max_error = 0.03"),
    ("rounds    = 2", "rounds    = 3"),
    ('on_fail   = "found"', 'on_fail   = "hold"'),
    ('kind = "face_box"', 'kind = "box"'),
    ('mode      = "adjust"', 'mode = "adjust"\nimage = { crop = "d[1]" }'),
]


def definition(recipe, old="", new=""):
    """Return the identity of the example with a change."""
    loaded = load_recipe(recipe.toml(BOXES + PLATFORM + EXAMPLE.replace(old, new)).path)
    return task_definition(next(iter(loaded.tasks.values())), recipe.path)


@pytest.mark.parametrize("old,new", OPERATION)
def test_operation_is_no_meaning(recipe, old, new):
    """Where, how urgently, with which guideline and how it is spaced asks nothing again."""
    assert definition(recipe) == definition(recipe, old, new)


@pytest.mark.parametrize("old,new", MEANING)
def test_meaning_is_identity(recipe, old, new):
    """What decides which values come out."""
    assert definition(recipe) != definition(recipe, old, new)
