"""Where keys are written: every form of TOML that our recipes can have."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.recipe.lines import find_lines

TEXT = '''\
# a comment = "no key"
top = 1
include = [
    "a.toml",  # first
    "b.toml",
]
[feed.images]
path = "x # no comment"
filter = { a = { "$in" = ["DE",
  "CH"] }, "b c" = 1 }  # only an array goes over lines
[signal . "q"]
sql = """
a = 1
[not.a.table]
""\\""""
other = \'\'\'
b = 2\'\'\'
dotted.key = 3
[[list.of]]
x = 1
[[list.of]]
x = [[1, 2], { y = 2 }]
'''

LINES = {
    ("top",): 2,
    ("include",): 3,
    ("include", 0): 4,
    ("include", 1): 5,
    ("feed",): 7,
    ("feed", "images"): 7,
    ("feed", "images", "path"): 8,
    ("feed", "images", "filter"): 9,
    ("feed", "images", "filter", "a"): 9,
    ("feed", "images", "filter", "a", "$in"): 9,
    ("feed", "images", "filter", "a", "$in", 0): 9,
    ("feed", "images", "filter", "a", "$in", 1): 10,
    ("feed", "images", "filter", "b c"): 10,
    ("signal",): 11,
    ("signal", "q"): 11,
    ("signal", "q", "sql"): 12,
    ("signal", "q", "other"): 16,
    ("signal", "q", "dotted"): 18,
    ("signal", "q", "dotted", "key"): 18,
    ("list",): 19,
    ("list", "of"): 19,
    ("list", "of", 0): 19,
    ("list", "of", 0, "x"): 20,
    ("list", "of", 1): 21,
    ("list", "of", 1, "x"): 22,
    ("list", "of", 1, "x", 0): 22,
    ("list", "of", 1, "x", 0, 0): 22,
    ("list", "of", 1, "x", 0, 1): 22,
    ("list", "of", 1, "x", 1): 22,
    ("list", "of", 1, "x", 1, "y"): 22,
}


def test_every_key_has_its_line():
    """Tables, dotted and quoted keys, inline tables, arrays over lines, texts over lines, arrays of tables."""
    tomllib.loads(TEXT)

    assert LINES == find_lines(TEXT)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a = 1", "a = 1\r\nb = 2\r\n", "a = 'x'"])
def test_small_texts(text):
    """Nothing, comments, one key, line ends of another system."""
    assert {(key,) for key in tomllib.loads(text)} == set(find_lines(text))


keys = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"\\u00fc"', "h.i"])
scalars = st.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        "2024-05-01T10:00:00Z",
        '"x"',
        '"a\\"]}="',
        "'#'",
        "'''\nx = 1\n'''",
        '"""\n[y]\n"""',
        "nan",
    ]
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: "[" + "".join(f"\n  {item}, # ]" for item in items) + "\n]"),
        st.lists(inner, max_size=3).map(
            lambda items: "{" + ", ".join(f"k{number} = {item}" for number, item in enumerate(items)) + "}"
        ),
    ),
    max_leaves=6,
)


@given(st.lists(st.tuples(keys, values), max_size=6, unique_by=lambda pair: pair[0]), st.booleans())
def test_what_the_parser_has_is_found(pairs, in_table):
    """Every key and item that `tomllib` finds has a line, and no other has; each key's line begins with it."""
    text = ("[table]\n" if in_table else "") + "".join(f"{key} = {value}\n" for key, value in pairs)
    found = find_lines(text)

    assert set(paths(tomllib.loads(text))) == set(found)
    lines = text.splitlines()
    for key, _ in pairs:
        path = (*(["table"] if in_table else []), *tomllib.loads(f"{key} = 1"))
        assert lines[found[path] - 1].startswith(key)


def paths(value, path=()):
    """Yield the path of every key and item of a parsed text."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield (*path, key)
        yield from paths(child, (*path, key))
