"""Keeping passwords out of recipes, which every commit keeps; and `${NAME}`, which is written instead.

A recipe is refused if any of its texts, comments included, has a URI with a literal password, or if a key that is
named like a secret has a literal value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from dsvc.errors import ConfigError, SecretInRecipeError
from dsvc.recipe.spec import KeyPath

VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A reference to the environment; `$${NAME}` is the text `${NAME}`."""

_REFERENCE = re.compile(r"\$?" + VARIABLE.pattern)
_PASSWORD_IN_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#'\"@:]*:(?P<secret>[^\s/?#'\"@]+)@")
_SECRET_IN_QUERY = re.compile(
    r"[?&;](?:password|passwd|pwd|secret|token|api_?key|aws_session_token)=(?P<secret>[^\s&;'\"]+)", re.IGNORECASE
)
_SECRET_KEY = re.compile(
    r"(?:.*[_-])?(?:password|passwd|pwd|passphrase|secret|secrets|token|credentials?|api[_-]?key|access[_-]?key|"
    r"secret[_-]?key|private[_-]?key|account[_-]?key)",
    re.IGNORECASE,
)


def refuse_secrets(text: str, file: str) -> None:
    """Check that no line of a text, of whatever language, has a URI with a literal password.

    Raises:
        SecretInRecipeError: If one has; the message gives file and line, not the password.
    """
    for number, line in enumerate(text.splitlines(), 1):
        for pattern in (_PASSWORD_IN_URI, _SECRET_IN_QUERY):
            for match in pattern.finditer(line):
                if not _is_reference(match["secret"]):
                    raise SecretInRecipeError(file=file, line=number, key="a URI")


def refuse_secret_keys(value: Any, file: str, lines: Mapping[KeyPath, int], path: KeyPath) -> None:
    """Check that no key in `value`, at any depth, is named like a secret and has a literal text.

    Raises:
        SecretInRecipeError: If one has.
    """
    if isinstance(value, Mapping):
        for key, child in value.items():
            inner = (*path, key)
            if _SECRET_KEY.fullmatch(key) and _is_literal(child):
                raise SecretInRecipeError(file=file, line=lines.get(inner), key=".".join(map(str, inner)))
            refuse_secret_keys(child, file, lines, inner)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            refuse_secret_keys(child, file, lines, (*path, index))


def _is_literal(value: Any) -> bool:
    """Tell whether a value is a secret itself: text, or digits; a switch is none."""
    if isinstance(value, str):
        return not _is_reference(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_reference(secret: str) -> bool:
    return not secret or VARIABLE.fullmatch(secret) is not None


def expand_env(value: Any, environ: Mapping[str, str], *, file: str = "dsvc.toml", key: str = "") -> Any:
    """Return `value` with `${NAME}` replaced in every text at any depth; made only when a feed is opened.

    Raises:
        ConfigError: If a variable is not set.
    """
    if isinstance(value, str):

        def replace(match: re.Match[str]) -> str:
            if match[0].startswith("$$"):
                return match[0][1:]
            if match[1] not in environ:
                raise ConfigError(
                    file=file,
                    key=key,
                    expected=f"the environment variable {match[1]}",
                    found="none of that name",
                    hint=f"set it: `export {match[1]}=...`",
                )
            return environ[match[1]]

        return _REFERENCE.sub(replace, value)
    if isinstance(value, Mapping):
        return {name: expand_env(v, environ, file=file, key=f"{key}.{name}") for name, v in value.items()}
    return [expand_env(child, environ, file=file, key=key) for child in value] if isinstance(value, list) else value
