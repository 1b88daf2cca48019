"""``.dsvc/config.toml``: settings of one repository on one machine. None of them is part of a version.

| key | value | meaning |
| --- | --- | --- |
| ``recipe`` | ``"dsvc"`` | switch and checkout restore the recipe files |
| | ``"git"`` | git keeps the recipe files; dsvc never writes them |
| ``author`` | text | who commits, where the caller does not say |
| ``executor`` | name | what `run` gives much work to; ``"local"`` if left out |
| ``workers`` | number | how many workers that has; as many as it thinks right if left out |
| ``pseudonyms`` | text, 16 characters or more | the key by which people become pseudonyms; the same in every clone |
| ``annotation`` | ``"mongodb://host/database?options"`` | where asks are; ``.dsvc/annotation`` if left out |
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from dsvc.errors import ConfigError

RECIPE_KEEPERS = ("dsvc", "git")
_KEY_LENGTH = 16
_DATABASE = re.compile(r"mongodb(\+srv)?://[^/?]+/[^/?]+(\?.*)?")


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings."""

    recipe: Literal["dsvc", "git"] = "dsvc"
    author: str | None = None
    executor: str | None = None
    workers: int | None = None
    annotation: str | None = None
    pseudonyms: str | None = None


def read_config(path: Path) -> Config:
    """Return the settings in a file; a file that is not there has none.

    Raises:
        ConfigError: If it is no TOML, or a key or value is not one we know.
    """
    import tomllib  # most commands need no setting

    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigError(file=str(path), key="(whole file)", expected="TOML", found=str(err)) from err
    for key, value in settings.items():
        if key == "recipe" and value not in RECIPE_KEEPERS:
            raise ConfigError(file=str(path), key=key, expected='"dsvc" or "git"', found=repr(value))
        if key == "annotation" and not (isinstance(value, str) and _DATABASE.fullmatch(value)):
            raise ConfigError(file=str(path), key=key, expected='"mongodb://host/database", options behind a "?"')
        if key == "pseudonyms" and not (isinstance(value, str) and len(value) >= _KEY_LENGTH):
            raise ConfigError(file=str(path), key=key, expected=f"a text of {_KEY_LENGTH} characters or more")
        if key in {"author", "executor"} and not isinstance(value, str):
            raise ConfigError(file=str(path), key=key, expected="a text", found=repr(value))
        if key == "workers" and (type(value) is not int or value < 1):
            raise ConfigError(file=str(path), key=key, expected="a whole number from 1 on", found=repr(value))
        if key not in Config.__struct_fields__:
            raise ConfigError(file=str(path), key=key, expected=f"one of {', '.join(Config.__struct_fields__)}")
    return Config(**settings)


def write_config(path: Path, config: Config) -> None:
    """Write the settings that differ from the defaults."""
    lines = [
        f"{name} = {msgspec.json.encode(value).decode()}\n"  # a JSON text is a TOML basic string
        for name, value in msgspec.structs.asdict(config).items()
        if value is not None
    ]
    path.write_text("".join(lines), encoding="utf-8")
