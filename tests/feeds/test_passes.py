import pytest

from dsvc.feeds import passes
from dsvc.feeds.about import TargetChanges
from dsvc.feeds.passes import Marks, plan_passes
from dsvc.recipe.spec import SignalSpec

KEPT, FRESH = SignalSpec("kept", "images"), SignalSpec("fresh", "images")
CURSOR = Marks(cursor=b"7", order=b"o")
PRINT = Marks(fingerprint=b"f")


def plan(kept=(KEPT,), fresh=(), before=CURSOR, now=None, target=None):
    """Return a plan as ((signals, since, is it main, lookups), ...), and why all is read."""
    made = plan_passes(kept, fresh, before, now, why_not="first", target=target)
    shown = [(" ".join(s.name for s in p.signals), p.since, p.is_main, list(p.lookups)) for p in made.passes]
    return shown, made.read, made.why


ALL = ("kept fresh", None, True, [])


@pytest.mark.parametrize(
    "given, expected",
    [
        pytest.param({"before": None}, ([("kept", None, True, [])], "all", "first"), id="nothing known"),
        pytest.param({}, ([("kept", b"7", True, [])], "since", ""), id="a cursor"),
        pytest.param({"before": Marks()}, ([("kept", None, True, [])], "all", "always"), id="no cursor"),
        pytest.param(
            {"fresh": (FRESH,)},
            ([("fresh", None, False, []), ("kept", b"7", True, [])], "since", "meaning"),
            id="a new signal beside a cursor",
        ),
        pytest.param({"before": PRINT, "now": b"f"}, ([], "nothing", ""), id="unchanged files"),
        pytest.param(
            {"before": PRINT, "now": b"g"}, ([("kept", None, True, [])], "all", "changed"), id="changed files"
        ),
        pytest.param(
            {"before": PRINT, "now": b"f", "fresh": (FRESH,)},
            ([("fresh", None, False, [])], "all", "meaning"),
            id="a new signal of unchanged files",
        ),
        pytest.param(
            {"target": TargetChanges(new=["s1"])}, ([("kept", b"7", True, ["s1"])], "since", ""), id="new sources"
        ),
        pytest.param(
            {"target": TargetChanges(is_tangled=True), "fresh": (FRESH,)}, ([ALL], "all", "sources"), id="tangled keys"
        ),
        pytest.param(
            {"target": TargetChanges(new=["s1", "s2", "s3"])},
            ([("kept", None, True, [])], "all", "sources"),
            id="too many new sources to look up",
        ),
        pytest.param(
            {"target": TargetChanges(), "kept": (), "fresh": (FRESH,)},
            ([("fresh", None, True, [])], "all", "meaning"),
            id="only new signals about others",
        ),
        pytest.param(
            {"target": TargetChanges(gone=[b"a"]), "before": PRINT, "now": b"f"},
            ([("kept", None, True, [])], "all", "sources"),
            id="files about sources that went",
        ),
    ],
)
def test_a_feed_is_read_as_far_as_it_must_be(given, expected, monkeypatch):
    """For the signals that need it, and no others."""
    monkeypatch.setattr(passes, "MAX_LOOKUPS", 2)

    assert expected == plan(**given)


def test_sources_that_went_are_told_in_order():
    """Where not all documents are read."""
    (only,) = plan_passes([KEPT], [], CURSOR, None, why_not="", target=TargetChanges(gone=[b"b", b"a"])).passes

    assert [b"a", b"b"] == list(only.gone)


def test_marks_come_back_from_their_bytes():
    """No bytes are no marks."""
    assert CURSOR == Marks.decode(CURSOR.encode())
    assert Marks() == Marks.decode(None)
