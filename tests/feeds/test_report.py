import json

from dsvc.feeds.report import FeedReport, IngestReport, SignalReport
from tests.feeds.world import IMAGES, SCORE, image


def test_reports_are_json(world):
    """Every part of one."""
    world.recipe(IMAGES + SCORE + 'accept = "<1"\n')
    world.write(images=[image(1, model={"score": 1, "version": "2"}), {}])
    report = world.ingest()

    made = json.loads(json.dumps(report.as_dict()))
    assert ["images"] == [feed["name"] for feed in made["feeds"]]
    assert (1, 'accept = "<3"') == (report.n_held, made["feeds"][0]["signals"][0]["held"][0]["line"])


def test_a_report_tells_whether_anything_changed():
    """In a signal, in the sources, or by what left the recipe."""
    same = SignalReport("x", "int8", False, 5, 0, 0, 0)
    moved = SignalReport("x", "int8", False, 5, 0, 1, 0)

    def feed(*signals):
        return FeedReport("f", "all", "", 5, signals=signals)

    assert IngestReport().is_unchanged
    assert IngestReport((feed(same),), same).is_unchanged
    assert not IngestReport((feed(same, moved),), same).is_unchanged
    assert not IngestReport((feed(same),), moved).is_unchanged
    assert not IngestReport(removed_signals=("x",)).is_unchanged
