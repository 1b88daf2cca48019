from tests.feeds.world import COLLECTIONS, LIVE, OUTPUTS, MemoryFeed, fresh_root, image, output


class TestAbout:
    def test_documents_find_their_source_by_a_key(self, world):
        """Those whose source is not there wait, counted, and are taken in once it is."""
        world.recipe(LIVE + OUTPUTS)
        COLLECTIONS["images"] = [image(1), image(2)]
        COLLECTIONS["outputs"] = [output(1, 1, 0.1), output(2, 3, 0.3), output(3, 3, 0.4), output(4, None, 0.5)]
        report = world.ingest().feeds[1]
        assert ({"s3://b/1": 0.1}, 2) == (world.read("spoof"), report.orphans)
        assert [("image_id is no key", 1)] == [(entry.why, entry.count) for entry in report.unusable]

        COLLECTIONS["images"].append(image(3))
        COLLECTIONS["outputs"].append(output(5, 2, 0.2))
        MemoryFeed.asked.clear()
        report = world.ingest().feeds[1]
        assert {"s3://b/1": 0.1, "s3://b/2": 0.2, "s3://b/3": 0.4} == world.read("spoof")
        assert [("read", "images", b"2"), ("read", "outputs", b"4"), ("lookup", "outputs", [3])] == MemoryFeed.asked
        assert ("since", 0) == (report.read, report.orphans)
        assert fresh_root(world.directory, world) == world.root

    def test_the_key_may_be_the_pointer(self, world):
        """Then the sources themselves are what documents find."""
        world.recipe(LIVE + OUTPUTS.replace('key = "_id"', 'key = "uri"'))
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [output(1, "s3://b/1", 0.1), output(2, "s3://b/2", 0.2), output(3, 1, 0.3)]
        assert 2 == world.ingest().feeds[1].orphans
        COLLECTIONS["images"].append(image(2))
        world.ingest()

        assert {"s3://b/1": 0.1, "s3://b/2": 0.2} == world.read("spoof")
        assert None is world.view.state.feeds[0].keys
        assert fresh_root(world.directory, world) == world.root

    def test_records_go_with_their_source(self, world):
        """A feed about others adds no sources and keeps none."""
        filtered = LIVE + 'filter = { c = "DE" }\n'
        world.recipe(LIVE + OUTPUTS + 'accept = "<2"\n')
        COLLECTIONS["images"] = [image(1, c="DE"), image(2, c="CH"), image(3, c="CH")]
        COLLECTIONS["outputs"] = [output(1, 1, 0.1), output(2, 2, 0.2), output(3, 3, 0.3, v="2")]
        world.ingest()
        world.recipe(filtered + OUTPUTS + 'accept = "<2"\n')
        MemoryFeed.asked.clear()
        world.ingest()

        assert ({"s3://b/1": 0.1}, {}) == (world.read("spoof"), world.waiting("spoof"))
        assert ("read", "outputs", b"3") == MemoryFeed.asked[-1]
        assert fresh_root(world.directory, world) == world.root
        world.recipe(LIVE + OUTPUTS + 'accept = "<2"\n')
        world.ingest()
        assert ({"s3://b/1", "s3://b/2"}, {"s3://b/3"}) == (set(world.read("spoof")), set(world.waiting("spoof")))

    def test_a_source_with_several_keys_takes_documents_of_all(self, world):
        """The last of all of them counts, whenever its key was met."""
        world.recipe(LIVE + OUTPUTS)
        COLLECTIONS["images"] = [image(1)]
        COLLECTIONS["outputs"] = [output(1, 7, 0.7), output(2, 1, 0.1)]
        world.ingest()
        COLLECTIONS["images"].append(image(7, uri="s3://b/1"))
        report = world.ingest().feeds[1]

        assert ({"s3://b/1": 0.1}, "sources") == (world.read("spoof"), report.why)
        assert fresh_root(world.directory, world) == world.root

    def test_files_about_a_live_collection_are_read_when_its_sources_change(self, world):
        """They cannot be asked for what is new."""
        outputs = OUTPUTS.replace("memory", "files").replace('collection = "outputs"', 'path = "outputs.jsonl"')
        world.recipe(LIVE + outputs)
        COLLECTIONS["images"] = [image(1)]
        world.write(outputs=[output(1, 1, 0.1), output(2, 2, 0.2)])
        world.ingest()
        assert "nothing" == world.ingest().feeds[1].read
        COLLECTIONS["images"].append(image(2))
        report = world.ingest().feeds[1]

        assert ("all", "sources") == (report.read, report.why)
        assert {"s3://b/1": 0.1, "s3://b/2": 0.2} == world.read("spoof")
