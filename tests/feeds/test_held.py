import json

from tests.feeds.world import COLLECTIONS, IMAGES, LIVE, SCORE, fresh_root, image


class TestHeld:
    def test_a_version_outside_accept_is_held(self, world):
        """Kept whole, counted, shown with the line that takes it in; and taken in by it."""
        world.recipe(IMAGES + SCORE + 'accept = ">=1.4,<3"\n')
        world.write(images=[image(i, model={"score": i / 2, "version": f"{i}.0"}) for i in range(1, 6)])
        (held,) = [world.ingest().feeds[0].signals[0].held]

        assert {"s3://b/2": 1.0} == world.read("score")
        assert (
            "held",
            {"version": "5.0", "why": 'version 5.0 is not in accept = ">=1.4,<3"', "value": 2.5},
        ) == world.waiting("score")["s3://b/5"]
        assert [("1.0", 1, 'accept = ">=1.0,<3"'), ("3.0", 1, 'accept = ">=1.4,<4"')] == [
            (entry.version, entry.count, entry.line) for entry in held
        ][:2]
        world.recipe(IMAGES + SCORE + 'accept = ">=1.4,<6"\n')
        report = world.ingest()
        assert (("meaning", 3), {"s3://b/1"}) == (
            (report.feeds[0].why, report.feeds[0].signals[0].added),
            set(world.waiting("score")),
        )

    def test_a_value_that_does_not_fit_is_held(self, world):
        """With what was expected and found, and where an adapter would go."""
        world.recipe(
            IMAGES + SCORE + 'type = "rating(5)"\nformats = { "<2" = "old:half" }\n',
            old="def half(n):\n    return n // 2\n",
        )
        world.write(
            images=[
                image(1, model={"score": 5, "version": "2"}),
                image(2, model={"score": 9, "version": "3"}),
                image(3, model={"score": "good", "version": "3"}),
                image(4, model={"score": 8, "version": "1.9"}),
            ]
        )
        (held,) = [world.ingest().feeds[0].signals[0].held]

        assert {"s3://b/1": 5, "s3://b/4": 4} == world.read("score")
        assert {"s3://b/2": 9, "s3://b/3": "good"} == {k: v[1]["value"] for k, v in world.waiting("score").items()}
        line = 'formats = { "==3" = "my_formats:to_today", "<2" = "old:half" }'
        assert [line, line] == [entry.line for entry in held]

    def test_a_failing_adapter_holds_the_value(self, world):
        """The others go on."""
        code = "def to_score(value):\n    return value['s']\n"
        world.recipe(IMAGES + SCORE + 'formats = { "*" = "old:to_score" }\n', old=code)
        world.write(images=[image(1, model={"score": {"s": 1.5}}), image(2, model={"score": {"t": 1}})])
        report = world.ingest()

        assert {"s3://b/1": 1.5} == world.read("score")
        assert "old:to_score failed on a struct: KeyError: 's'" == report.feeds[0].signals[0].held[0].why
        world.recipe(
            IMAGES + SCORE + 'formats = { "*" = "old:to_score" }\n', old=code.replace("['s']", ".get('s', 0.0)")
        )
        assert 1 == world.ingest().feeds[0].signals[0].added
        assert {} == world.waiting("score")

    def test_what_is_settled_is_held_no_more(self, world):
        """A later document of the source takes its place."""
        world.recipe(LIVE + SCORE + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(i, model={"score": 1.0, "version": "2"}) for i in (1, 2)]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=3, at=3, model={"score": 2.0, "version": "1"}))
        world.ingest()

        assert ({"s3://b/1": 2.0}, ["s3://b/2"]) == (world.read("score"), list(world.waiting("score")))

    def test_a_held_document_takes_an_older_value_away(self, world):
        """The source has no current record; at once or one after the other."""
        world.recipe(LIVE + SCORE + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(1, model={"score": 1.0, "version": "1"})]
        world.ingest()
        COLLECTIONS["images"].append(image(1, _id=3, at=3, model={"score": 2.0, "version": "2"}))
        world.ingest()

        assert ({}, ["s3://b/1"]) == (world.read("score"), list(world.waiting("score")))
        assert fresh_root(world.directory, world) == world.root

    def test_an_encoded_image_is_held_without_its_value(self, world):
        """In values that fit, and in those that do not."""
        picture = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAgGBgcGBQgH" * 4
        world.recipe(
            IMAGES
            + '[signal.t]\nfrom = "images"\nvalue = "t"\n[signal.n]\nfrom = "images"\ntype = "score"\nvalue = "t"\n'
        )
        world.write(images=[image(1, t=picture), image(2, t="text")])
        report = world.ingest()

        assert {"s3://b/2": "text"} == world.read("t")
        assert "value" not in world.waiting("t")["s3://b/1"][1]
        assert "/9j/" not in json.dumps([world.waiting("t"), world.waiting("n"), report.as_dict()])
        assert {"s3://b/1", "s3://b/2"} == set(world.waiting("n"))
