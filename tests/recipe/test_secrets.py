"""Passwords stay out of recipes, and `${NAME}` is replaced only when asked."""

import pytest

from dsvc.errors import ConfigError, SecretInRecipeError
from dsvc.recipe.files import recipe_files
from dsvc.recipe.load import load_recipe
from dsvc.recipe.secrets import expand_env, refuse_secrets


@pytest.mark.parametrize(
    "line",
    [
        'uri = "mongodb://reader:hunter2@db.example/orb"',
        '# uri = "mongodb+srv://reader:hunter2@db.example"',
        'uri = "mongodb://:hunter2@db"',
        "uri = 'postgresql://a:p%40ss@h:5432/d'",
        'uri = "s3://key:secret@bucket"',
        'uri = "mongodb://${USER}:hunter2@db"',
        'uri = "https://api.example/x?token=abc123"',
        'uri = "https://api.example/x?a=1&password=abc123"',
    ],
)
def test_a_password_in_a_uri_is_found(line):
    """Also in a comment, which a commit keeps as well. The message does not repeat it."""
    with pytest.raises(SecretInRecipeError) as caught:
        refuse_secrets(f"a = 1\n{line}\n", "dsvc.toml")

    assert ("dsvc.toml", 2) == (caught.value.file, caught.value.line)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "abc123" not in str(caught.value)


@pytest.mark.parametrize(
    "line",
    [
        'uri = "mongodb://reader:${PASSWORD}@db.example"',
        'uri = "${MONGODB_URI}"',
        'uri = "mongodb://db.example:27017/orb"',
        'uri = "mongodb://reader@db.example"',
        'pointer = "s3://bucket/a:b/c@d"',
        'uri = "https://api.example/x?token=${TOKEN}"',
        'sql = "SELECT x AS password"',
        "x = 'a@b.c'",
    ],
)
def test_what_is_no_password_is_not(line):
    """A reference, a port, an address."""
    refuse_secrets(line, "dsvc.toml")


@pytest.mark.parametrize(
    "key", ["password", "Password", "api_key", "db_password", "token", "auth-token", "secret", "aws_secret_access_key"]
)
def test_a_key_named_like_a_secret_needs_a_reference(recipe, key):
    """In a feed's options and in a step's parameters, at any depth."""
    recipe.toml(f'[feed.a]\nplugin = "files"\npointer = "p"\nauth = {{ x = 1, {key} = "hunter2" }}\n')
    with pytest.raises(SecretInRecipeError) as caught:
        load_recipe(recipe.path)
    assert ("dsvc.toml", 4, f"feed.a.auth.{key}") == (caught.value.file, caught.value.line, caught.value.key)

    recipe.toml(f'[step.s]\npython = "a:b"\ninputs = ["x"]\nparameters = {{ {key} = "hunter2" }}\n')
    with pytest.raises(SecretInRecipeError):
        recipe_files(recipe.path)


def test_a_secret_of_digits_is_one(recipe):
    """Without quotes; a switch of that name is none."""
    recipe.toml('[feed.a]\nplugin = "files"\npointer = "p"\npassword = 1234\n')
    with pytest.raises(SecretInRecipeError):
        load_recipe(recipe.path)

    recipe.toml('[feed.a]\nplugin = "files"\npointer = "p"\npassword = true\n')
    load_recipe(recipe.path)


def test_a_field_may_be_called_token(recipe):
    """Where a key is the name of a field, a document's or ours, its value is a path."""
    recipe.toml("""
        [feed.a]
        plugin = "files"
        pointer = "p"
        password = "${PASSWORD}"
        filter = { token = "abc" }
        [signal.s]
        from = "a"
        fields = { token = "doc.token", secret = "doc.secret" }
        only = { token = "x" }
        [dataset.d]
        columns = { password = "s.token" }
    """)

    assert "s" in load_recipe(recipe.path).signals


def test_python_files_are_looked_through_too(recipe):
    """A commit keeps them as it keeps dsvc.toml."""
    recipe.toml('[step.s]\npython = "steps:f"\ninputs = ["x"]\n')
    recipe.write(steps='URI = "mongodb://reader:hunter2@db"\n\ndef f(x):\n    return x\n')

    with pytest.raises(SecretInRecipeError) as caught:
        recipe_files(recipe.path)

    assert ("steps.py", 1) == (caught.value.file, caught.value.line)


def test_references_are_replaced_at_any_depth():
    """Each by its variable; `$${NAME}` and MongoDB's operators are left."""
    value = {"uri": "m://${USER}:${PASSWORD}@h", "list": ["${USER}", 1], "raw": "$${USER} $in ${", "n": 1.5}
    environ = {"USER": "me", "PASSWORD": "a${USER}b"}

    assert {
        "uri": "m://me:a${USER}b@h",
        "list": ["me", 1],
        "raw": "${USER} $in ${",
        "n": 1.5,
    } == expand_env(value, environ)


def test_a_missing_variable_is_named():
    """With the key that needs it, and how to set it."""
    with pytest.raises(ConfigError) as caught:
        expand_env({"uri": "${MONGODB_URI}"}, {}, key="feed.images")

    assert "dsvc.toml: feed.images.uri: expected the environment variable MONGODB_URI, found none of that name" == str(
        caught.value
    )
    assert "set it: `export MONGODB_URI=...`" == caught.value.hint
