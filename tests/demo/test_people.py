"""The second act of the demo, told to its end."""

import json
import re

import pytest

from dsvc.cli import main
from dsvc.demo.people import PEOPLE_NEXT, PEOPLE_STORY, Answer
from dsvc.demo.story import Type
from dsvc.demo.team import N_IMAGES


@pytest.fixture(scope="module", name="told")
def tell(tmp_path_factory):
    """What it prints, and the directory that it leaves."""
    import contextlib
    import io

    directory = tmp_path_factory.mktemp("people") / "demo"
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("DSVC_AUTHOR", "Ada <ada@example.org>")
        assert 0 == main(["demo", "--people", str(directory)])
    return out.getvalue(), directory


def test_story_shows_the_loop():
    """People answer, passes are done, and three commands are left to type."""
    typed = {" ".join(event.words[:2]) for event in PEOPLE_STORY if isinstance(event, Type)}

    assert {"annotate sync", "annotate status", "annotate check", "annotate agreement", "annotate cost"} <= typed
    assert len({event.who for event in PEOPLE_STORY if isinstance(event, Answer)}) >= 3
    assert 3 == len(PEOPLE_NEXT)


def test_an_image_expires_and_is_asked_again(told):
    """After a day of silence the copies go first, and new ones are staged."""
    assert re.search(r"2 overdue copies deleted, 2 attempts expired, 2 copies staged, 2 questions sent", told[0])


def test_an_audit_rejects_and_a_second_round_follows(told):
    """A lot fails, its rest goes round, and the next lot passes."""
    assert "1 failed" in told[0]
    assert re.search(r"face_boxes@1 +1 +adjust", told[0])


def test_it_ends_with_all_boxes_final(told, monkeypatch, capsys):
    """Nothing is open, nothing is staged, and both datasets have the same boxes."""
    monkeypatch.chdir(told[1])
    assert 0 == main(["annotate", "status", "--json"])
    task = json.loads(capsys.readouterr().out.splitlines()[0])

    assert (0, 0, {"final": N_IMAGES}) == (task["open"], task["backlog"], task["standings"])
    assert [] == list((told[1] / "staging").iterdir())


def test_me_needs_people(capsys, tmp_path):
    """The option alone is wrong usage."""
    assert 2 == main(["demo", "--me", str(tmp_path / "x")])
    assert "--people" in capsys.readouterr().err
