"""A model worker gets a new version that writes another format: what runs, what is cut off, and the way back.

Real images, a real detector, its own documents. What must run is counted against brute force over the documents.
"""

from importlib.metadata import EntryPoint

import pytest
from dsvc_haar.outputs import READ
from dsvc_haar.plugin import Haar

import dsvc
from dsvc.plugins.manager import Plugins

from . import story

pytestmark = pytest.mark.story

PINNED = story.RECIPE.replace('producer   = "haar"', 'producer   = "haar"\nonly       = { version = "1" }')


@pytest.fixture
def tale(tmp_path, images, written):
    """An empty repository, and the images with what both workers write of them."""
    directory = tmp_path / "repo"
    directory.mkdir()
    made = story.Story(directory, images, written)
    yield made
    made.repo.close()


STEPS = ("face_count", "is_portrait", "largest", "rank", "subject_length")


def expect(tale, boxes, *, steps=STEPS):
    """Return what brute force says of a run: values, how many run and how many come out as before, by step."""
    values, ran, cut_off = {}, {}, {}
    steps_of_records = {
        "face_count": (lambda: boxes, len),
        "is_portrait": (lambda: values["face_count"], lambda n: n == 1),
        "largest": (lambda: boxes, story.area),
        "subject_length": (lambda: tale.subjects, len),
    }
    for name in steps:
        if name in steps_of_records:
            inputs, function = steps_of_records[name]
            found = tale.model.step(name, inputs(), function)
        else:
            found = tale.model.groups(name, values["largest"], tale.subjects, story.ranks)
        values[name], ran[name], cut_off[name] = found
    return values, ran, cut_off


def check(tale, boxes, values):
    """Check every record of the draft, and which rows the dataset has."""
    assert boxes == tale.read("face_detection")
    for name, expected in values.items():
        assert expected == tale.read(name), name
    rows = tale.repo.read("@draft", dataset="portraits").to_pylist()
    assert sorted(source for source, is_one in values["is_portrait"].items() if is_one) == [
        row["source"] for row in rows
    ]
    assert [boxes[row["source"]] for row in rows] == [row["boxes"] for row in rows]


def test_a_new_version_in_a_new_format_is_taken_in(tale, capsys):
    """Only what depends on it runs, equal values are cut off, blame names the version, and going back runs nothing."""
    repo, old, new = tale.repo, tale.boxes(1), tale.boxes(2)
    changed = {source for source in old if old[source] != new[source]}
    assert 0 < len(changed) < len(old)

    # -- version 1 ---------------------------------------------------------------------------------------------------
    tale.recipe(story.RECIPE)
    tale.deliver(1)
    values, ran, cut_off = expect(tale, old)
    assert (ran, cut_off) == tale.run()
    assert set(ran.values()) == {len(old)}
    check(tale, old, values)
    first = repo.commit("model 1")
    before = {source: repo.blame("face_detection", source) for source in old}
    assert {("model", "haar", "1")} == {
        (blame.provenance.origin, blame.provenance.producer, blame.provenance.version) for blame in before.values()
    }

    # -- version 2 arrives -------------------------------------------------------------------------------------------
    repo.switch("upgrade", create=True)
    report = tale.deliver(2)
    (outputs,) = (feed for feed in report.feeds if feed.name == "outputs")
    (signal,) = outputs.signals
    assert (len(changed), 0, 0, ()) == (signal.changed, signal.added, signal.removed, signal.held)

    plan = repo.plan()
    planned = {step.name: step for step in plan.steps}
    upgraded = [(reason.kind, reason.why, reason.records) for reason in planned["face_count"].reasons]
    assert [("producer-version", "changed face_detection (version 1 -> 2)", len(changed))] == upgraded
    assert planned["face_count"].run.is_exact
    assert ("unchanged", 0) == (planned["subject_length"].status, planned["subject_length"].run.upper)
    assert {"portraits": "open", "subjects": "unchanged"} == {each.name: each.status for each in plan.datasets}

    values, ran, cut_off = expect(tale, new)
    assert all(planned[name].run.lower <= ran[name] <= planned[name].run.upper for name in ran)
    assert (ran, cut_off) == tale.run()
    assert (len(changed), 0) == (ran["face_count"], ran["subject_length"])
    assert 0 < cut_off["face_count"] == ran["face_count"] - ran["is_portrait"]
    areas = {source for source in old if story.area(old[source]) != story.area(new[source])}
    people = {tale.subjects[source] for source in areas}
    assert len(areas) < ran["rank"] == sum(subject in people for subject in tale.subjects.values()) < len(old)
    check(tale, new, values)
    second = repo.commit("model 2")
    figures = {name: f"{ran[name]} ran, {cut_off[name]} came out as before" for name in ran}

    # -- who was it ---------------------------------------------------------------------------------------------------
    for source in old:
        blame = repo.blame("face_detection", source)
        assert ("2", second.id) == (blame.provenance.version, blame.provenance_commit.id)
        assert blame.commit.id == (second if source in changed else first).id
        assert "1" == repo.blame("face_detection", source, "main").provenance.version
    for source in changed:
        count = repo.blame("face_count", source)
        giver, version = (first, "1") if len(old[source]) == len(new[source]) else (second, "2")
        assert (giver.id, [version]) == (count.commit.id, [read.record.provenance.version for read in count.inputs])

    # -- and back -----------------------------------------------------------------------------------------------------
    repo.switch("main")
    assert repo.plan().is_current
    assert repo.run().did_nothing
    assert old == tale.read("face_detection")

    repo.switch("upgrade")
    (repo.path / "outputs" / "2.jsonl").rename(repo.path / "2.jsonl")
    repo.ingest()
    assert (0, 0) == (repo.plan().run.upper, repo.run().ran)
    assert first.root == repo.commit("the documents of model 1 alone").root

    (repo.path / "2.jsonl").rename(repo.path / "outputs" / "2.jsonl")
    repo.ingest()
    assert (0, second.root) == (repo.run().ran, repo.commit("those of model 2 again").root)

    tale.recipe(PINNED)
    assert ["face_detection"] == [name for feed in repo.find_pending() for name in feed.signals]
    repo.ingest()
    assert (0, first.root) == (repo.run().ran, repo.commit("pinned to model 1").root)

    with capsys.disabled():
        print(f"\n{len(old)} images, {len(changed)} with other boxes in version 2: {figures}; taken back: 0 ran")


def test_the_detector_as_a_step_of_dsvc(tale, capsys):
    """Its parameter says which version: 1, 2 and 1 again makes each image's faces once for either."""
    repo, roots, runs = tale.repo, [], []
    for model in (1, 2, 1, 2):
        tale.recipe(story.TRANSFORM.format(model=model))
        repo.ingest()
        boxes = tale.boxes(model)
        pixels = {source: [source, content["id"]] for source, content in tale.read("content").items()}
        made = tale.model.step("faces", pixels, lambda read, boxes=boxes: boxes[read[0]], identity=model)
        values, ran, cut_off = expect(tale, boxes, steps=("face_count", "is_portrait", "subject_length"))
        values, ran, cut_off = {"faces": made[0], **values}, {"faces": made[1], **ran}, {"faces": made[2], **cut_off}

        planned = {step.name: step.run for step in repo.plan().steps}
        assert (ran["faces"], ran["faces"]) == (planned["faces"].lower, planned["faces"].upper)
        assert (ran, cut_off) == tale.run()
        assert values == {name: tale.read(name) for name in values}
        runs.append(ran)
        roots.append(repo.commit(f"model {model}", allow_empty=True).root)

    assert [len(tale.images), len(tale.images), 0, 0] == [ran["faces"] for ran in runs]
    assert {0} == {*runs[2].values(), *runs[3].values()}
    assert roots[:2] == roots[2:]
    with capsys.disabled():
        print(f"\n{len(tale.images)} images, model 1, 2, 1, 2 as a step: {runs}")


def test_a_version_that_the_package_does_not_know_is_held(tale):
    """Counted and kept, with the line that would let it in; the documents of the others are taken."""
    repo = tale.repo
    tale.recipe(story.RECIPE)
    tale.deliver(1)
    latest = tale.written[2][0]
    story.write_lines(repo.path / "outputs" / "3.jsonl", [{**latest, "version": "3", "output": "binary"}])
    report = repo.ingest()
    (outputs,) = (feed for feed in report.feeds if feed.name == "outputs")
    ((held,),) = (signal.held for signal in outputs.signals)

    assert ("3", 1, latest["pointer"], 'accept = ">=1,<4"') == (held.version, held.count, held.pointer, held.line)
    assert len(tale.images) - 1 == len(tale.read("face_detection"))


def test_a_version_that_the_package_does_not_know_is_taken_in_by_the_recipe(tale):
    """A range of `formats` goes before the producer, which still reads its own versions."""
    repo = tale.repo
    (repo.path / "formats.py").write_text("def v3(raw):\n    return [{'x': x, 'y': 0, 'w': 1, 'h': 1} for x in raw]\n")
    tale.recipe(
        story.RECIPE.replace(
            'producer   = "haar"', 'producer = "haar"\naccept = ">=1,<4"\nformats = { ">=3" = "formats:v3" }'
        )
    )
    tale.deliver(1)
    latest = {**tale.written[2][0], "version": "3", "output": [5, 7]}
    story.write_lines(repo.path / "outputs" / "3.jsonl", [latest])
    (signal,) = repo.ingest().feeds[1].signals
    found = tale.read("face_detection")

    assert () == signal.held
    assert [5, 7] == [box["x"] for box in found.pop(latest["pointer"])]
    assert found == {source: boxes for source, boxes in tale.boxes(1).items() if source != latest["pointer"]}


def test_an_output_in_the_format_of_another_version_is_held(tale):
    """With the name of the producer that could not adapt it."""
    repo = tale.repo
    tale.recipe(story.RECIPE)
    story.write_lines(repo.path / "outputs" / "1.jsonl", [{**tale.written[2][0], "version": "1"}])
    (held,) = repo.ingest().feeds[1].signals[0].held

    assert held.why.startswith("the producer 'haar' failed on a list: ValueError: expected an object of boxes")


def test_another_version_of_the_adapters_reads_again(tale, monkeypatch):
    """Though no document changed; what comes out equal is cut off."""
    tale.recipe(story.RECIPE)
    tale.deliver(1)
    tale.run()
    tale.repo.commit("adapters 1")
    assert () == tale.repo.find_pending()

    monkeypatch.setattr(Haar, "adapter_version", "2")
    monkeypatch.setattr(Haar, "adapt", lambda self, version, raw: [{**box, "label": None} for box in READ[1](raw)])
    with dsvc.open(tale.repo.path) as repo:
        (pending,) = repo.find_pending()
        assert ("outputs", "signals", ("face_detection",)) == (pending.feed, pending.why, pending.signals)
        (signal,) = repo.ingest().feeds[1].signals
        n_found = sum(bool(boxes) for boxes in tale.boxes(1).values())
        assert n_found == signal.changed
        ran = {step.name: (step.ran, step.cut_off) for step in repo.run().steps}
    cut_off = dict.fromkeys(("face_count", "largest"), (n_found, n_found))
    assert dict.fromkeys(STEPS, (0, 0)) | cut_off == ran


def test_what_was_taken_in_needs_the_package_no_more(tale, tmp_path):
    """Reading, comparing, checking out and blaming work where only dsvc is installed."""
    repo = tale.repo
    tale.recipe(story.RECIPE)
    for version in (1, 2):
        tale.deliver(version)
        tale.run()
        repo.commit(f"model {version}")
    ours = [EntryPoint("files", "dsvc.feeds.plugin", "dsvc"), EntryPoint("formats", "dsvc.export.plugin", "dsvc")]
    source = next(iter(tale.subjects))
    with dsvc.open(repo.path) as repo:
        repo.__dict__["plugins"] = Plugins(ours)

        assert repo.plugins.find_producer("haar") is None
        assert ["face_detection"] == [name for feed in repo.find_pending() for name in feed.signals]
        before = {row["source"]: row["face_detection"] for row in repo.read("HEAD~1", ["face_detection"]).to_pylist()}
        assert tale.boxes(1) == before
        assert sum(batch.num_rows for batch in repo.diff("HEAD~1", "HEAD", signal="face_detection"))
        assert ["2", "1"] == [
            repo.blame("face_detection", source, revision).provenance.version for revision in ("HEAD", "HEAD~1")
        ]
        written = repo.checkout("HEAD~1", "portraits", to=tmp_path / "out")
        assert written.rows == sum(len(boxes) == 1 for boxes in before.values())
        repo.checkout("HEAD~1")
        assert repo.view("HEAD").root_id == repo.view("@draft").root_id
