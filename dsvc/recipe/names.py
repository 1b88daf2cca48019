"""The names a recipe may give, and the words it may not."""

from __future__ import annotations

import re
from typing import Final

from dsvc.recipe.spec import CONTENT, PIXELS

NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
"""Names of feeds, signals, steps, splits and datasets."""
COLUMN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
"""Names of columns, fields and parts."""
NAME_RULE: Final = "a lower-case letter, then up to 62 lower-case letters, digits and _"
COLUMN_RULE: Final = "a letter or _, then up to 62 letters, digits and _"

_SQL_WORDS = """
    all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check
    collate collation column concurrently constraint create cross current_catalog current_date current_role
    current_schema current_time current_timestamp current_user default deferrable desc describe distinct do else end
    except false fetch for foreign freeze from full glob group having ilike in initially inner intersect into is
    isnull join lambda lateral leading left like limit localtime localtimestamp natural not notnull null offset on
    only or order outer overlaps pivot pivot_longer pivot_wider placing positional primary qualify references
    returning right select semi session_user show similar some summarize symmetric table tablesample then to
    trailing true union unique unpack unpivot user using variadic verbose when where window with
"""
SQL_WORDS: Final = frozenset(_SQL_WORDS.split())
"""Words that SQL reads as its own where a signal could stand. Fixed here, whatever the engine's version adds."""


def refuse_signal_name(name: str) -> str | None:
    """Return why a signal or step cannot have this name; None if it can."""
    if not NAME.fullmatch(name):
        return NAME_RULE
    if name == CONTENT:
        return f"another name: `{CONTENT}` is the built-in signal of what identifies a raw item"
    if name == PIXELS:
        return f"another name: `{PIXELS}` stands for the raw item itself"
    return "another name: it is a word of SQL, where signals are named" if name in SQL_WORDS else None
