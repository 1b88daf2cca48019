"""The keys of each section: what is taken and what is refused, one by one."""

import pytest

from dsvc.errors import NotRowWiseError, RecipeError
from dsvc.recipe.load import load_recipe

HEAD = """\
[feed.f]
plugin = "files"
pointer = "p"
[signal.s]
from = "f"
value = "v"
[signal.t]
from = "f"
value = "w"
"""
LINES = HEAD.count("\n")

FEED = '[feed.g]\nplugin = "files"\n'
SIGNAL = '[signal.x]\nfrom = "f"\n'
PYTHON = '[step.x]\npython = "steps:f"\n'
SPLIT = '[split.x]\nby = "s"\n'
DATASET = "[dataset.x]\n"

REFUSED = {
    # feeds
    "a feed without plugin": ('[feed.g]\npointer = "p"\n', "feed.g.plugin", "the name of a feed plugin, e.g."),
    "a feed without pointer": (FEED, "feed.g.pointer", "the dotted path of the pointer, or `about`"),
    "a bad path": (FEED + 'pointer = "a..b"\n', "feed.g.pointer", "a dotted path into a document"),
    "about and pointer": (
        FEED + 'pointer = "p"\nabout = { feed = "f", field = "a", key = "b" }\n',
        "feed.g.pointer",
        "no `pointer`: a feed with `about` adds no sources",
    ),
    "about without key": (FEED + 'about = { feed = "f", field = "a" }\n', "feed.g.about.key", "a dotted path"),
    "about with more": (
        FEED + 'about = { feed = "f", field = "a", key = "b", kee = "c" }\n',
        "feed.g.about.kee",
        "one of feed, field, key",
    ),
    "a variable in a filter": (
        FEED + 'pointer = "p"\nfilter = { a = ["${X}"] }\n',
        "feed.g.filter.a.0",
        "no environment variable",
    ),
    "a variable in a pointer": (FEED + 'pointer = "${X}"\n', "feed.g.pointer", "no environment variable"),
    # signals
    "no feed": ('[signal.x]\nvalue = "v"\n', "signal.x.from", "the name of a feed"),
    "no value": (SIGNAL, "signal.x", "either `value`, a dotted path, or `fields`, a table of them"),
    "value and fields": (SIGNAL + 'value = "v"\nfields = { a = "b" }\n', "signal.x", "either `value`"),
    "fields by case": (SIGNAL + 'fields = { a = "b", A = "c" }\n', "signal.x.fields.A", "names that differ by more"),
    "a bad field": (SIGNAL + 'fields = { "a b" = "b" }\n', "signal.x.fields.a b", "a letter or _"),
    "a field that is no path": (SIGNAL + "fields = { a = 1 }\n", "signal.x.fields.a", "a dotted path into a document"),
    "a bad type": (SIGNAL + 'value = "v"\ntype = "boxs"\n', "signal.x.type", "a type"),
    "a bad range": (SIGNAL + 'value = "v"\naccept = "1.4"\n', "signal.x.accept", "a range like"),
    "a bad format range": (SIGNAL + 'value = "v"\nformats = { "2" = "a:b" }\n', "signal.x.formats.2", "a range like"),
    "a bad adapter": (SIGNAL + 'value = "v"\nformats = { "<2" = "a" }\n', "signal.x.formats.<2", "`module:function`"),
    "a list in only": (SIGNAL + 'value = "v"\nonly = { a = [1] }\n', "signal.x.only.a", "a dotted path and the text"),
    "a variable in a signal": (
        SIGNAL + 'value = "v"\nproducer = "${X}"\n',
        "signal.x.producer",
        "no environment variable",
    ),
    # steps
    "no code": ('[step.x]\ninputs = ["s"]\n', "step.x", "one of `sql`, `python` and `transform`"),
    "two codes": (
        '[step.x]\nsql = "SELECT s AS x"\npython = "a:b"\n',
        "step.x",
        "one of `sql`, `python` and `transform`",
    ),
    "SQL with inputs": ('[step.x]\nsql = "SELECT s AS x"\ninputs = ["s"]\n', "step.x.inputs", "no `inputs`: they are"),
    "SQL with parameters": (
        '[step.x]\nsql = "SELECT s AS x"\nparameters = {}\n',
        "step.x.parameters",
        "no `parameters`",
    ),
    "SQL of no signal": ('[step.x]\nsql = "SELECT 1 AS x"\n', "step.x.sql", "at least one signal"),
    "a bad reference": ('[step.x]\npython = "steps.f"\ninputs = ["s"]\n', "step.x.python", "`module:function`"),
    "no inputs": (PYTHON, "step.x.inputs", "at least one signal"),
    "inputs that are no array": (PYTHON + 'inputs = "s"\n', "step.x.inputs", "an array of signals and fields"),
    "an input that is no path": (PYTHON + 'inputs = ["s", "a..b"]\n', "step.x.inputs.1", "a signal or a field of one"),
    "an input twice": (PYTHON + 'inputs = ["s", "s"]\n', "step.x.inputs.1", "each name once"),
    "pixels in Python": (PYTHON + 'inputs = ["pixels"]\n', "step.x.inputs", "signals: only an installed transform"),
    "an unknown optional": (
        PYTHON + 'inputs = ["s"]\noptional = ["t"]\n',
        "step.x.optional.0",
        "one of the inputs (s)",
    ),
    "a parameter that is no name": (
        PYTHON + 'inputs = ["s"]\nparameters = { "a-b" = 1 }\n',
        "step.x.parameters.a-b",
        "the name of",
    ),
    "a date as parameter": (
        PYTHON + 'inputs = ["s"]\nparameters = { a = 2024-05-01 }\n',
        "step.x.parameters.a",
        "a text, number",
    ),
    "a version that is no text": (PYTHON + 'inputs = ["s"]\nversion = 2\n', "step.x.version", "a text"),
    "a table in the environment": (
        PYTHON + 'inputs = ["s"]\nenvironment = { a = {} }\n',
        "step.x.environment.a",
        "a text, number",
    ),
    "an absolute file": (PYTHON + 'inputs = ["s"]\nfiles = ["/a"]\n', "step.x.files.0", "a path relative to"),
    "batch that is no bool": (PYTHON + 'inputs = ["s"]\nbatch = "yes"\n', "step.x.batch", "true or false"),
    "a transform with version": (
        '[step.x]\ntransform = "t"\ninputs = ["s"]\nversion = "1"\n',
        "step.x.version",
        "no `version`: an installed transform declares its own",
    ),
    "a variable in a step": (
        PYTHON + 'inputs = ["s"]\nparameters = { a = "${X}" }\n',
        "step.x.parameters.a",
        "no environment",
    ),
    # splits
    "no key": ("[split.x]\nparts = { a = 1 }\n", "split.x.by", "an expression, e.g. `capture.subject`"),
    "a key of no signal": ('[split.x]\nby = "1"\nparts = { a = 1 }\n', "split.x.by", "at least one signal"),
    "no parts": (SPLIT, "split.x.parts", "1 to 127 names with shares"),
    "empty parts": (SPLIT + "parts = {}\n", "split.x.parts", "1 to 127 names with shares"),
    "a share of 0": (SPLIT + "parts = { a = 0.0 }\n", "split.x.parts.a", "a share above 0 and at most 1"),
    "a share that is a text": (SPLIT + 'parts = { a = "0.5" }\n', "split.x.parts.a", "a share above 0 and at most 1"),
    "a share that is no number": (SPLIT + "parts = { a = nan }\n", "split.x.parts.a", "a share above 0 and at most 1"),
    "a share that is true": (SPLIT + "parts = { a = true }\n", "split.x.parts.a", "a share above 0 and at most 1"),
    "shares above 1": (
        SPLIT + "parts = { a = 0.7, b = 0.2, c = 0.1000000000000000000001 }\n",
        "split.x.parts",
        "shares whose sum",
    ),
    # datasets
    "signals and columns": (
        DATASET + 'signals = ["s"]\ncolumns = { a = "t" }\n',
        "dataset.x.columns",
        "either `signals`",
    ),
    "a signal that is a field": (DATASET + 'signals = ["s.a"]\n', "dataset.x.signals.0", "the name of a signal"),
    "a column called source": (DATASET + 'columns = { source = "s" }\n', "dataset.x.columns.source", "another name"),
    "columns by case": (DATASET + 'columns = { a = "s", A = "t" }\n', "dataset.x.columns.A", "names that differ"),
    "a column that is no text": (
        DATASET + "columns = { a = 1 }\n",
        "dataset.x.columns.a",
        "an expression over signals",
    ),
    "a where that is no SQL": (DATASET + 'where = "s >"\n', "dataset.x.where", "an SQL expression"),
    "a variable in a dataset": (DATASET + "where = \"s = '${X}'\"\n", "dataset.x.where", "no environment variable"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_section_refuses(recipe, case):
    """With its place, its key, and what was expected."""
    text, key, expected = REFUSED[case]

    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe.toml(HEAD + text).path)

    error = caught.value
    assert key == error.key
    assert error.expected.startswith(expected)
    assert LINES < error.line <= LINES + text.count("\n")


def test_what_needs_more_than_one_record_is_placed(recipe):
    """In a step, a where, a column and a split alike."""
    for text, key in {
        '[step.x]\nsql = "SELECT sum(s) AS x"\n': "step.x.sql",
        DATASET + 'where = "random() < 0.5"\n': "dataset.x.where",
        DATASET + 'columns = { a = "row_number() OVER ()" }\n': "dataset.x.columns.a",
        '[split.x]\nby = "max(s)"\nparts = { a = 1 }\n': "split.x.by",
    }.items():
        with pytest.raises(NotRowWiseError) as caught:
            load_recipe(recipe.toml(HEAD + text).path)

        assert (key, LINES + 2) == (caught.value.key, caught.value.line)


def test_defaults_are_those_of_product(recipe):
    """Producer is the signal's name, every version is accepted, the seed is empty."""
    recipe.toml(
        HEAD + SPLIT + "parts = { a = 0.5, b = 0.5 }\n" + DATASET + 'split = "x"\n' + PYTHON + 'inputs = ["s"]\n'
    )
    loaded = load_recipe(recipe.path)

    assert ("s", "anything" in loaded.signals["s"].accept, None) == (
        loaded.signals["s"].producer,
        True,
        loaded.signals["s"].type,
    )
    assert "" == loaded.splits["x"].seed
    assert loaded.datasets["x"].where is None
    assert (False, None, {}) == (loaded.steps["x"].batch, loaded.steps["x"].version, loaded.steps["x"].parameters)


def test_shares_are_exact(recipe):
    """Ten tenths are one, as they are written."""
    parts = ", ".join(f"p{number} = 0.1" for number in range(10))

    assert 10 == len(load_recipe(recipe.toml(HEAD + SPLIT + f"parts = {{ {parts} }}\n").path).splits["x"].parts)


def test_an_optional_input_may_be_named_by_its_signal(recipe):
    """Or by the path itself; also one that the SQL names."""
    recipe.toml(HEAD + '[step.x]\nsql = "SELECT s.a + s.b + t AS x"\noptional = ["s.a", "t"]\n')
    step = load_recipe(recipe.path).steps["x"]

    assert ["s.a", "t"] == sorted(map(str, step.optional))
    assert ["s.b"] == [str(path) for path in step.required]


@pytest.mark.parametrize("step", ['sql = "SELECT s AS x"', 'python = "m:f"\ninputs = ["s"]'])
def test_a_salt_is_of_every_kind_of_step(recipe, step):
    """A text; empty where none is given."""
    plain = load_recipe(recipe.toml(f"{HEAD}[step.x]\n{step}\n").path).steps["x"]
    salted = load_recipe(recipe.toml(f'{HEAD}[step.x]\n{step}\nsalt = "2"\n').path).steps["x"]

    assert ("", "2") == (plain.salt, salted.salt)
