import pytest

from dsvc.errors import ConfigError
from dsvc.repo.config import Config, read_config, write_config


def test_no_file_is_no_settings(tmp_path):
    """A missing file means defaults."""
    assert Config() == read_config(tmp_path / "config.toml")


@pytest.mark.parametrize(
    "config",
    [
        Config(),
        Config("git"),
        Config("dsvc", 'Ann "A" Ünal \\ <ann@x>'),
        Config(executor="ray", workers=8),
        Config(annotation="mongodb://ann:pw@db.example.org/asks?tls=true"),
    ],
    ids=str,
)
def test_settings_survive_writing(tmp_path, config):
    """What was written is read again, quotes and all."""
    write_config(tmp_path / "config.toml", config)
    assert config == read_config(tmp_path / "config.toml")


@pytest.mark.parametrize(
    "text, named",
    [
        ('recipe = "svn"', "recipe"),
        ("author = 3", "author"),
        ("executor = 3", "executor"),
        ("workers = 0", "workers"),
        ("workers = true", "workers"),
        ('annotation = "mongodb://db.example.org"', "annotation"),
        ('annotation = "mongodb://db.example.org/?tls=true"', "annotation"),
        ('annotation = "redis://db.example.org/asks"', "annotation"),
        ('colour = "red"', "colour"),
        ("= 3", "TOML"),
        ('a = "\xff"', "TOML"),
    ],
)
def test_wrong_settings_are_named(tmp_path, text, named):
    """A wrong value, an unknown key and broken TOML name file, key and what was expected."""
    path = tmp_path / "config.toml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match=named) as caught:
        read_config(path)
    assert str(path) in str(caught.value)
