"""The output type that a function's return annotation tells."""

from __future__ import annotations

import pytest

from dsvc.engine.annotations import annotated_type


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        ("-> int", "int64"),
        ("-> 'float'", "float64"),
        ("-> str | None", "string"),
        ("-> None | bool", "bool"),
        ("-> typing.Optional[bytes]", "binary"),
        ("-> list[list[int | None]]", "list<list<int64>>"),
        ("-> int | str", "None"),
        ("-> dict[str, int]", "None"),
        ("-> list", "None"),
        ("-> None", "None"),
        ("-> 'not a type'", "None"),
        ("", "None"),
    ],
)
def test_types_are_read_from_syntax(tmp_path, annotation, expected):
    """Plain types, lists of them and any of them or None are known; nothing else, and no code is executed."""
    (tmp_path / "code.py").write_text(f"import typing\nraise SystemExit\ndef f(x) {annotation}:\n    return x\n")

    assert expected == str(annotated_type("code:f", tmp_path))


def test_the_last_definition_counts(tmp_path):
    """Of two functions of one name the last is the one called; a module or function that is not there tells nothing."""
    (tmp_path / "code.py").write_text("def f() -> int: ...\ndef f() -> str: ...\n")

    assert ["string", "None", "None"] == [
        str(annotated_type(name, tmp_path)) for name in ("code:f", "code:g", "json:loads")
    ]
