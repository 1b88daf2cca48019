import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from dsvc.feeds.reading import Counts, Documents, Link, choose_winners, usable_pointers
from dsvc.plugins.contracts import DocumentBatch
from dsvc.recipe.spec import AboutSpec, FeedSpec
from tests.feeds.world import COLLECTIONS, IMAGES, LIVE, OUTPUTS, SCORE, fresh_root, image, output


def winners(sources, order):
    """Return the rows that count, and those that do not."""
    chosen = choose_winners(pa.array(sources, pa.large_string()), pa.array(order, pa.large_binary()))
    return chosen.rows.tolist(), chosen.superseded.tolist()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=2)), max_size=12))
def test_the_greatest_in_order_counts(documents):
    """For each source, in the order of sources; the same document twice counts once and supersedes nothing."""
    sources, order = [source for source, _ in documents], [place for _, place in documents]
    rows, superseded = winners(sources, order)
    best = {source: max(place for other, place in documents if other == source) for source in sources}

    assert sorted(best.items()) == [documents[row] for row in rows]
    assert sorted(set(documents) - set(best.items())) == sorted(documents[row] for row in superseded)


def test_sources_in_order_need_no_sorting():
    """Whatever stands in the order of documents."""
    assert ([0, 1, 2], []) == winners(["a", "b", "c"], [b"z", b"y", b""])


def test_pointers_are_text_of_some_length():
    """In bytes, not characters."""
    long, too_long = "x" * 1100, "ü" * 551

    assert ["a", long, None, None, None, None, None] == usable_pointers(["a", long, too_long, "", 5, None, "\ud800"])


def test_a_link_is_a_pointer_or_a_key():
    """With what to say of a document that has none."""
    main = Link.of(FeedSpec("images", "files", {}, pointer="image.uri"))
    about = Link.of(FeedSpec("outputs", "files", {}, about=AboutSpec("images", "image_id", "_id")))

    assert ("image.uri", ["s3://b", None], "image.uri is no pointer") == (
        main.path.text,
        main.keys(["s3://b", 5]),
        main.complaint,
    )
    assert ("image_id", ["s5", "i5", None], "image_id is no key") == (
        about.path.text,
        about.keys(["5", 5, [5]]),
        about.complaint,
    )


def test_documents_that_were_counted_before_count_no_more():
    """Those at the cursor come again; one that was looked up was counted as waiting, and has its source now."""
    first = Documents("at")
    first.add(DocumentBatch([{"at": 1}, {"at": 2}, {"at": 2}, {}], [1, 2, 3, 4], b"2"), ["a", "b", "c", None], "why")
    counts = first.counts(np.array([True, True, False]), np.array([True, False, False]))
    assert (Counts(3, 1, 1), 3, b"2") == (counts, first.count, first.cursor)
    assert {"why": 1} == dict(first.unusable.counts)

    second = Documents("at", first.last_order)
    second.add(DocumentBatch([{"at": 2}, {"at": 2}, {"at": 3}], [2, 3, 5], b"3"), ["b", "c", "d"], "why")
    second.add(DocumentBatch([{"at": 2}], [3], b"2"), ["c"], "why", is_lookup=True)
    counts = second.counts(np.ones(4, np.bool_), np.array([True, False, True, True]))
    assert (Counts(1, 1, -1), b"3") == (counts, second.cursor)


class TestSeveralDocuments:
    def test_the_last_document_of_a_source_counts(self, world):
        """By cursor, then by position; the others are counted."""
        world.recipe(IMAGES + 'cursor = "at"\n[signal.x]\nfrom = "images"\nvalue = "x"\n')
        world.write(
            images=[
                image(1, x="late", at=9),
                image(1, x="early", at=3),
                image(2, x="first", at=5),
                image(2, x="second", at=5),
                image(3, x="alone"),
            ]
        )
        report = world.ingest()

        assert {"s3://b/1": "late", "s3://b/2": "second", "s3://b/3": "alone"} == world.read("x")
        assert 2 == report.feeds[0].superseded

    def test_a_document_that_counts_and_has_no_value_takes_it_away(self, world):
        """Read at once or one after the other."""
        world.recipe(LIVE + SCORE)
        COLLECTIONS["images"] = [image(1, model={"score": 0.5})]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=2, at=2))
        report = world.ingest()

        assert {} == world.read("score")
        assert 1 == report.feeds[0].signals[0].removed
        assert fresh_root(world.directory, world) == world.root

    def test_each_signal_of_a_feed_has_its_own_competition(self, world):
        """Documents that `only` leaves out stand in for nothing."""
        world.recipe(LIVE + OUTPUTS + OUTPUTS.partition("\n\n")[2].replace("spoof", "blur"))
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [
            output(1, 1, 0.1),
            output(2, 1, 0.2, v="2"),
            output(3, 1, 7, worker="blur"),
            output(4, 1, None, worker="other"),
        ]
        report = world.ingest()

        assert ({"s3://b/1": 0.2}, {"s3://b/1": 7}) == (world.read("spoof"), world.read("blur"))
        assert 1 == report.feeds[1].superseded
