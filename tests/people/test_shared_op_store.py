"""Two clones, each with a ledger of its own, over one op store in MongoDB and one team."""

import uuid

import pytest

from tests.people.keeping_world import Keeping

IMAGES = [f"s3://faces/{i}.jpg" for i in range(4)]


@pytest.fixture(name="clones")
def make_clones(tmp_path, mongo_url):
    """Two clones, of which the first was the other's origin."""
    first = Keeping.init(tmp_path)
    first.recipe()
    first.deliver(dict.fromkeys(IMAGES, (3, 0.2)) | {IMAGES[0]: (3, 0.1)})
    address = mongo_url.replace("/?", f"/clones_{uuid.uuid4().hex}?")
    (first.path / ".dsvc" / "config.toml").write_text(f'annotation = "{address}"\n')
    return first, first.clone("other")


def pass_time(clones, hours):
    """Let time pass for both."""
    for clone in clones:
        clone.wait(hours)


def test_a_clone_that_wants_less_takes_nothing_from_another(clones):
    """Both are on a branch of one name; the second wants one image of four, and asks nobody anything new."""
    first, other = clones
    first.run()
    other.recipe(ask="score < 0.15")
    less = other.run()
    again = first.run()

    assert (0, 1, 0, 0) == (less.new, less.shared, less.dropped, less.posted)
    assert (0, 0, 4) == (again.new, again.posted, len(first.questions()))


def test_an_answer_stays_at_the_platform_until_every_clone_has_it(clones):
    """The first takes it in and is done with it; the other finds it days later all the same, and asks nobody again."""
    first, other = clones
    first.run()
    other.run()
    first.answer("ann", dict.fromkeys(IMAGES, 5))
    pass_time(clones, 1)
    for _ in range(3):
        first.run()
        pass_time(clones, 24)
    late = other.run()

    assert (4, 4) == (first.n_answers(), other.n_answers())
    assert (0, 0) == (late.new, late.posted)
    assert first.values() == other.values()
    assert 4 == len(first.posted | other.posted)


def test_a_clone_that_is_never_seen_again_wants_nothing(clones):
    """After a fortnight of silence what it alone wanted is taken back."""
    first, other = clones
    first.recipe(ask="score < 0.15")
    first.run()
    other.run()
    seen = len(other.questions())
    for _ in range(15):
        first.wait(24)
        first.run()

    assert (4, 1) == (seen, len(first.questions()))
