"""SQL tokens: cut by our own rule, and joined into one text for all texts of the same tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dsvc.recipe.duck import shared_parser
from dsvc.recipe.tokens import OPERATORS, join_tokens, tokenize

CASES = {
    "len(face_boxes)>=1 AND quality>=3": "len(face_boxes) >= 1 AND quality >= 3",
    "a*-1": "a * - 1",
    "[b.score for b in x if b.score>1]": "[b.score for b in x if b.score > 1]",
    "'it''s'||E'a\\'b'||$$x$$||$t$ a $$ b$t$": "'it''s' || E'a\\'b' || $$x$$ || $t$ a $$ b$t$",
    "x IN(1,2)": "x IN (1, 2)",
    "1.5e-3+.5-2.": "1.5e-3 + .5 - 2.",
    "CAST(x AS DECIMAL(3,1))": "CAST(x AS DECIMAL(3, 1))",
    "x::int[1]": "x::int[1]",
    "1 .x": "1 .x",
    'x."b.c" . d': 'x."b.c".d',
    "x/*a/*b*/c*/y --z": "x y",
    "NOT(a)and(b)": "NOT (a) and (b)",
    "{'a':x}.a": "{'a' : x}.a",
    "größe<=ünder": "größe <= ünder",
    "f(x)[1].g": "f(x)[1].g",
    "x=X'AB'": "x = X'AB'",
}


@pytest.mark.parametrize("text", CASES)
def test_a_text_is_spaced_by_our_rule(text):
    """Comments and white space of the writer are gone; the tokens are the writer's."""
    joined = join_tokens(list(tokenize(text)))

    assert CASES[text] == joined
    assert list(tokenize(text)) == list(tokenize(joined))


def test_nothing_but_space_and_comments_is_folded():
    """Case, quotes and spelling of numbers are kept: they are other tokens."""
    texts = ["len(x)", "LEN(x)", '"len"(x)', "len(x, 1)", "len(x, 1.0)", "len(x, '1')"]

    assert len(texts) == len({tuple(tokenize(text)) for text in texts})


@pytest.mark.parametrize("text", ["'abc", '"abc', "/* abc", "/* a /* b */", "E'a\\'"])
def test_what_does_not_end_is_refused(text):
    """An open text, name or comment would swallow what follows it."""
    with pytest.raises(ValueError, match="without an end"):
        list(tokenize(text))


token = st.sampled_from(
    [
        *OPERATORS,
        *"+-*/<>=()[]{}.,:~@^&|#!%",
        "x",
        "AND",
        "in",
        "1",
        ".5",
        "2.",
        "1e5",
        "'a'",
        '"b c"',
        "E'\\n'",
        "$$q$$",
    ]
)


@given(st.lists(token, max_size=12))
def test_joining_keeps_the_tokens(tokens):
    """However tokens meet, their text reads as the same tokens, and so does the text of those."""
    read = list(tokenize(" ".join(tokens)))
    joined = join_tokens(read)

    assert read == list(tokenize(joined))
    assert joined == join_tokens(list(tokenize(joined)))


SPACES = st.sampled_from([" ", "  ", "\n", "\t", " -- note\n", "/* note */", " /* a /* b */ c */ "])


@given(st.sampled_from(list(CASES)), st.data())
def test_the_engine_reads_our_text_alike(text, data):
    """Whatever white space and comments stand between the tokens, DuckDB reads the same expression."""
    tokens = list(tokenize(text))
    spaced = "".join(token + data.draw(SPACES) for token in tokens)

    assert tokens == list(tokenize(spaced))
    assert bare(f"SELECT {spaced}") == bare(f"SELECT {join_tokens(tokens)}")


def bare(sql):
    """Return the engine's tree without positions; None where it refuses the text."""

    def strip(value):
        if isinstance(value, dict):
            return {key: strip(child) for key, child in value.items() if not key.startswith("query_location")}
        return [strip(child) for child in value] if isinstance(value, list) else value

    statements = shared_parser().parse(sql)
    return strip(statements) if isinstance(statements, list) else None
