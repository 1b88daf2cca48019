"""Errors are made from their fields, say what to do next, and end a command with their own exit code."""

import pickle
from collections import Counter
from pathlib import Path

import pytest

from dsvc import errors
from dsvc.errors import DsvcError

PROJECT = Path(__file__).parents[1]

_SAMPLES = {
    "path": Path("/somewhere"),
    "size_bytes": 300_000,
    "limit_bytes": 262_144,
    "n_duplicates": 7,
    "line": 12,
    "oid": bytes(range(32)),
    "expected": bytes(32),
    "candidates": ["3f9a1c", "3f9b00"],
    "changes": ["signal spoof"],
    "pointers": ["s3://a/1", "s3://a/2"],
    "signals": ["spoof"],
    "datasets": [],
    "available": ["files", "mongodb"],
    "nearest": None,
    "hint": None,
    "message": "",
}
_TEXT_EXPECTED = (errors.ConfigError, errors.SignalTypeError)


def classes() -> list[type[DsvcError]]:
    """Return every error class, depth first."""
    found, todo = [], [DsvcError]
    while todo:
        found.append(todo.pop())
        todo.extend(reversed(found[-1].__subclasses__()))
    return found


def sample(kind: type[DsvcError]) -> DsvcError:
    """Return an error of a class with something in every field."""
    fields = {name: _SAMPLES.get(name, f"the {name}") for name in kind._names}
    if issubclass(kind, _TEXT_EXPECTED):
        fields["expected"] = "the expected"
    if kind is errors.RefConflictError:
        fields["found"] = None
    if kind is errors.ChecksumMismatchError:
        fields["found"] = b"\x01" * 32
    if kind.describe is DsvcError.describe and not kind.text:
        fields["message"] = "said at the raise"
    return kind(**fields)


@pytest.mark.parametrize("kind", classes())
def test_every_error_makes_its_message_and_hint(kind):
    """Message and hint come from the fields, once; the templates name only fields that there are."""
    err = sample(kind)

    assert err.message
    assert str(err) == err.message
    assert "{" not in err.message.replace("${NAME}", "")
    assert "{" not in (err.hint or "").replace("${NAME}", "")


@pytest.mark.parametrize("kind", classes())
def test_every_error_crosses_processes(kind):
    """A pickled error has its class, fields, message and hint."""
    err = sample(kind)

    again = pickle.loads(pickle.dumps(err))

    assert type(err) is type(again)
    assert err.__dict__ == again.__dict__
    assert (str(err), err.args) == (str(again), again.args)


@pytest.mark.parametrize("kind", classes())
def test_every_error_is_documented(kind):
    """Each class ends in Error and says in a sentence when it is raised, which the table in the docs shows."""
    assert kind.__name__.endswith("Error")
    assert (kind.__doc__ or "").splitlines()[0].endswith((".", ")"))
    assert f"`{kind.__name__}`" in (PROJECT / "docs" / "reference" / "errors.md").read_text()


def test_exit_codes_are_not_shared():
    """A code other than 1 is introduced by one class; those below it inherit it."""
    introduced = Counter(kind.__dict__["exit_code"] for kind in classes() if "exit_code" in kind.__dict__)

    assert {} == {code: count for code, count in introduced.items() if count > 1 and code != 1}
    assert set() == set(introduced) & {0, 2, 70, 130, 141}
    assert 3 == errors.DatasetCheckError.exit_code  # as of a run that did not all pass


@pytest.mark.parametrize(
    "name, code",
    [
        ("UserError", 1),
        ("NotARepositoryError", 10),
        ("RefConflictError", 11),
        ("ObjectNotFoundError", 12),
        ("ChecksumMismatchError", 13),
        ("ObjectFormatError", 13),
        ("UnsupportedFormatError", 14),
        ("StoreFullError", 15),
        ("PluginNotFoundError", 16),
        ("RecipeError", 1),
    ],
)
def test_exit_codes_are_what_scripts_rely_on(name, code):
    """The codes that are promised stay what they are."""
    assert code == getattr(errors, name).exit_code


def test_fields_are_demanded_by_name():
    """A missing or unknown field is a bug where the error is raised."""
    with pytest.raises(TypeError, match="needs reason="):
        errors.StoreError(store="x")
    with pytest.raises(TypeError, match="no field colour"):
        errors.StoreError(store="x", reason="y", colour="red")
    with pytest.raises(TypeError, match="needs message="):
        errors.UserError()


def test_words_at_the_raise_come_first():
    """`message=` and `hint=` replace what the class would say, braces and all."""
    err = errors.NotARepositoryError(path=Path("x"), message="not {here}", hint="go {there}")

    assert ("not {here}", "go {there}") == (str(err), err.hint)


def test_the_nearest_spelling_is_the_hint():
    """Where a near spelling is known, it is what to type."""
    with_nearest = errors.SignalNotFoundError(signal="spof", nearest="spoof")
    without = errors.SignalNotFoundError(signal="spof", revision="v1")

    assert "did you mean 'spoof'?" == with_nearest.hint
    assert "run `dsvc show v1` to list its signals" == without.hint


def test_a_recipe_error_names_its_place():
    """File, line, key, what was expected and what was found."""
    err = errors.RecipeError(file="dsvc.toml", line=7, key="step.a.sq", expected="sql", found="sq", nearest="sql")

    assert "dsvc.toml:7: step.a.sq: expected sql, found sq" == str(err)


def test_a_lost_swap_is_told_in_short_ids():
    """Ids are shown by their first 12 digits, an absent ref as nothing, a symbolic one as its text."""
    moved = errors.RefConflictError(ref="heads/main", expected=b"\xab" * 32, found=None)
    symbolic = errors.RefConflictError(ref="HEAD", expected=b"ref:heads/main", found=b"\xcd" * 32)

    assert "ref heads/main moved: expected abababababab, found nothing" == str(moved)
    assert "ref HEAD moved: expected ref:heads/main, found cdcdcdcdcdcd" == str(symbolic)


def test_long_lists_are_cut():
    """A message shows the first few names and counts the rest."""
    err = errors.DirtyWorktreeError(changes=[f"signal s{i}" for i in range(1005)])

    assert "not committed: signal s0, signal s1, signal s2, signal s3, signal s4 and 1,000 more" == str(err)


def test_lookups_and_values_are_caught_as_such():
    """What a caller of Python would expect to catch, it catches."""
    assert issubclass(errors.RefNotFoundError, LookupError)
    assert issubclass(errors.ObjectNotFoundError, LookupError)
    assert issubclass(errors.InvalidNameError, ValueError)
