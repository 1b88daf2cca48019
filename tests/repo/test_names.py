import pytest

from dsvc.errors import InvalidNameError
from dsvc.repo.names import check_ref_name, check_signal_name, nearest, split_tag_name


@pytest.mark.parametrize("name", ["a", "spoof_score", "x1", "a" * 63])
def test_identifiers_are_signal_names(name):
    """A lower-case letter and up to 62 letters, digits and underscores name a signal."""
    assert name == check_signal_name(name)


@pytest.mark.parametrize("name", ["", "A", "1a", "_a", "a.b", "a-b", "a" * 64, "é", "source", "content", "pixels"])
def test_other_texts_are_no_signal_names(name):
    """Whatever is no identifier, or is built in, is refused."""
    with pytest.raises(InvalidNameError):
        check_signal_name(name)


@pytest.mark.parametrize("name", ["main", "exp/blur", "v1.0", "2026-01", "_x", "a+b"])
def test_ref_names(name):
    """Parts of letters, digits and a few signs, joined by slashes, name branches and tags."""
    assert name == check_ref_name(name, "branch")


@pytest.mark.parametrize(
    "name",
    ["", "HEAD", "a..b", "a~1", "a^", "-x", ".x", "x.", "x.lock", "a b", "a//b", "/a", "a/", "@draft", "é", "x" * 201],
)
def test_names_that_a_revision_could_not_tell_are_refused(name):
    """What reads as a range, a step, an option, HEAD or the draft is no name."""
    with pytest.raises(InvalidNameError):
        check_ref_name(name, "branch")


def test_a_tag_may_name_its_dataset():
    """`dataset@label` names both; only the last @ divides."""
    assert ("spoof", "v3") == split_tag_name("spoof@v3")
    assert (None, "v3") == split_tag_name("v3")
    with pytest.raises(InvalidNameError):
        split_tag_name("Spoof@v3")
    with pytest.raises(InvalidNameError):
        split_tag_name("a@b@c")


def test_nearest_finds_a_misspelling():
    """A misspelt name leads to the one it was meant for; a far one to none."""
    assert "spoof_score" == nearest("spof_score", ["quality", "spoof_score"])
    assert nearest("zzz", ["quality"]) is None
