"""Numbers for texts."""

from dsvc_coco import ids
from dsvc_coco.ids import MAX_ID, Ids, make_id


def test_an_id_is_pinned():
    """The number of a text never changes: trained models and results refer to it."""
    assert 1719984106040505 == make_id("image", "s3://faces/1.jpg")
    assert make_id("image", "s3://faces/1.jpg") != make_id("annotation", "s3://faces/1.jpg")
    assert make_id("a", "bc") != make_id("ab", "c")


def test_ids_fit_where_json_readers_put_them():
    """From 1 to 2^53 - 1."""
    assert all(0 < make_id(str(number)) <= MAX_ID for number in range(1000))


def test_two_texts_of_one_number_get_two(monkeypatch):
    """The later one takes the next free number; after the last comes the first."""
    monkeypatch.setattr(ids, "make_id", lambda *_: MAX_ID - 1)
    given = Ids()

    assert [MAX_ID - 1, MAX_ID, 1, 2] == [given.give(str(number)) for number in range(4)]
