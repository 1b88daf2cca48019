"""`dsvc annotate`, and what `dsvc run` does of it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from dsvc.annotation.opstores.base import update
from dsvc.annotation.outfit import STATE, open_ops
from dsvc.annotation.staging.expiry import DAY_US
from dsvc.annotation.staging.local import LocalStaging

RECIPE = """
[feed.images]
plugin  = "files"
path    = "documents/*.jsonl"
pointer = "uri"

[signal.model]
from  = "images"
type  = "rating(5)"
value = "quality"

[platform.team]
plugin = "files"

[task.quality]
type = "rating(5)"
of   = "model"
ask  = "model < 3"

[dataset.good]
where = "quality >= 3"
"""


@pytest.fixture(name="asked")
def make_asked(shell):
    """Three images, of which people are asked about two."""
    shell("init")
    Path("documents").mkdir()
    rows = [{"uri": f"s3://f/{n}", "quality": n} for n in (1, 2, 4)]
    Path("documents/1.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("dsvc.toml").write_text(RECIPE)
    return shell


def answer(value=5):
    """Answer everything that is out, as one person."""
    folder = Path("annotation/quality@1")
    keys = [json.loads(line)["key"] for line in (folder / "asks.jsonl").read_text().splitlines()]
    lines = (json.dumps({"key": key, "value": value, "seconds": 6}) + "\n" for key in keys)
    (folder / "answers" / "ann.jsonl").write_text("".join(lines))
    return keys


def test_run_sends_asks_and_the_next_takes_answers_in(asked):
    """It ends without waiting; what new answers touch is made by the next, datasets included."""
    first = asked("run", "--ingest")
    before = asked("read", "@draft", "--dataset", "good", "--json").objects
    answer()
    second = asked("run", "-m", "people")

    assert "team: 2 questions sent" in first.lines
    assert "task quality waits for 2 asks" in first.lines
    assert 1 == len(before)
    assert "team: 2 answers taken in, 2 asks closed" in second.lines
    assert 3 == len(asked("read", "--dataset", "good", "--json").objects)


def test_run_can_leave_people_alone(asked):
    """`--no-people` sends nothing, and so does a run of other steps."""
    asked("run", "--ingest", "--no-people")
    asked("run", "good")

    assert not Path("annotation").exists()


def test_run_makes_all_the_same_where_nobody_can_be_asked(asked):
    """A platform that is not set up is told of; what can be made is made."""
    Path("dsvc.toml").write_text(
        RECIPE.replace('plugin = "files"\n\n[task', 'plugin = "files"\nimage = "url"\n\n[task')
    )
    result = asked("run", "--ingest")

    assert "nobody was asked" in result.err
    assert 1 == len(asked("read", "@draft", "--dataset", "good", "--json").objects)


def test_sync_dry_run_changes_nothing(asked):
    """It counts what would be asked, and what would be once the tasks are made."""
    asked("ingest")
    assert "then want 2 new asks" in asked("annotate", "sync", "--dry-run").err
    asked("run", "--ingest", "--no-people")
    assert "then want" not in asked("annotate", "sync", "--dry-run").err
    (told,) = asked.json("annotate", "sync", "--dry-run")

    assert (2, {"quality": 2}, True) == (told["new"], told["wanted"], told["dry_run"])
    assert not Path("annotation").exists()


def test_asks_and_show(asked):
    """An ask is shown by its first digits, with its answers once there are some."""
    asked("run", "--ingest")
    asks = asked.json("annotate", "asks")
    shown = asked("annotate", "show", asks[0]["ask_id"][:8])
    answer()
    asked("annotate", "sync")
    (found,) = asked.json("annotate", "show", asks[0]["ask_id"][:8])

    assert ["s3://f/1", "s3://f/2"] == [ask["source"] for ask in asks]
    assert {("ask", "OPEN", "rating(5)")} == {(ask["type"], ask["state"], ask["answer_type"]) for ask in asks}
    assert any("  adjust, round 0" in line for line in shown.lines)
    assert ["5"] == [given["payload"] for given in found["answers"]]
    assert "No ask is open" in asked("annotate", "asks").err


def test_cancel(asked):
    """A cancelled ask is taken back, and asked again when told so."""
    asked("run", "--ingest")
    ask = asked.json("annotate", "asks")[0]["ask_id"]
    asked("annotate", "cancel", ask)
    states = [found["state"] for found in asked.json("annotate", "asks")]
    asked("annotate", "cancel", ask, "--again")
    asked("annotate", "sync")

    assert ["PARKED", "OPEN"] == states
    assert ["OPEN", "OPEN"] == [found["state"] for found in asked.json("annotate", "asks")]


def test_figures(asked):
    """Status, agreement and cost, for people and for programs."""
    asked("run", "--ingest")
    answer()
    asked("annotate", "follow", "--times", "1")
    task, platform = asked.json("annotate", "status")

    assert ("task-work", 2, 0) == (task["type"], task["answers"], task["open"])
    assert ("platform-work", 0) == (platform["type"], platform["backlog_s"])
    assert any(line.startswith("quality@1") for line in asked("annotate", "status").lines)
    assert [2, 0] == [
        asked.json("annotate", "agreement", "quality", "--against", "model")[0][k] for k in ("sources", "near")
    ]
    assert [2, 12.0] == [asked.json("annotate", "cost")[0][name] for name in ("answers", "seconds")]
    assert asked("annotate", "agreement", "quality").lines[0].split()[0] == "who"
    assert any("questions sent" in line for line in asked("annotate", "cost").lines)


def test_status_says_what_is_stuck_and_why(asked):
    """Figures in columns that fit 80 characters; what is parked in a line of its own, with its reason."""
    asked("run", "--ingest")
    asked("annotate", "cancel", asked.json("annotate", "asks")[0]["ask_id"])
    result, (task, _) = asked("annotate", "status"), asked.json("annotate", "status")

    assert "  1 ask parked: cancelled" in result.lines
    assert [{"state": "parked", "why": "cancelled", "asks": 1}] == task["stuck"]
    assert "--again" in result.err
    assert max(map(len, result.lines)) <= 80


def test_status_says_which_answers_count_for_nothing_and_why(asked):
    """And `show` says it of one ask, with who gave it."""
    asked("run", "--ingest")
    keys = answer(value=9)
    asked("annotate", "sync")
    result, (task, _) = asked("annotate", "status"), asked.json("annotate", "status")
    (why,) = {problem["why"] for problem in task["problems"]}

    assert f"  2 answers count for nothing: {why}" in result.lines
    assert (2, 0) == (task["misfits"], task["unreadable"])
    assert [why] == [problem["why"] for problem in asked.json("annotate", "show", keys[0][:12])[0]["problems"]]
    assert any(line.endswith(f"counts for nothing: {why}") for line in asked("annotate", "show", keys[0][:12]).lines)


def test_without_a_task_every_command_says_so(shell):
    """What shows nothing names what would ask people; what would go on for ever is refused."""
    shell("init")

    for words in (("status",), ("sync",), ("check",), ("cost",)):
        assert "[task.NAME]" in shell("annotate", *words).err
    assert "[task.NAME]" in shell("annotate", "follow", expect=1).err


def test_a_run_ends_with_what_waits_for_people(asked):
    """And with what to type next."""
    result = asked("run", "--ingest")

    assert "task     quality  3 sources looked at, 1 record, 2 waiting for people" in result.lines
    assert "task quality waits for 2 asks" == result.lines[-1]
    assert "dsvc annotate sync" in result.err.splitlines()[-1]


def test_follow_stops_when_interrupted(asked):
    """Ctrl-C between two passes is no failure."""
    command = [sys.executable, "-c", "import sys; from dsvc.cli import main; sys.exit(main(sys.argv[1:]))"]
    follow = subprocess.Popen(
        [*command, "annotate", "follow", "--every", "600", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for line in follow.stdout:
            if json.loads(line)["type"] == "platform-turn":
                break  # the first pass is over
        follow.send_signal(signal.SIGINT)
        _, err = follow.communicate(timeout=60)
    finally:
        follow.kill()

    assert (0, True) == (follow.returncode, "Stopped; the next pass" in err)


def test_check(asked):
    """A folder that can be written to is well; a platform that shows copies needs a place for them."""
    well = asked("annotate", "check")
    Path("dsvc.toml").write_text(
        RECIPE.replace('plugin = "files"\n\n[task', 'plugin = "files"\nimage = "url"\n\n[task')
    )
    wrong = asked.json("annotate", "check", expect=3)

    assert well.lines[0].startswith("team (files), tasks quality")
    assert not wrong[0]["is_well"]


def test_label_at_the_terminal(asked, monkeypatch):
    """What is typed becomes an answer; what fits nothing is asked for again."""
    import io

    asked("run", "--ingest")
    monkeypatch.setattr("sys.stdin", io.StringIO("9\n4\n3\n"))
    result = asked("annotate", "label", "quality", "--as", "ada")
    taken = asked("annotate", "sync")

    assert "2 answers written" in result.err
    assert "  type a number from 1 to 5" in result.out
    assert "team: 2 answers taken in, 2 asks closed" in taken.lines


def test_label_says_what_is_for_somebody_else(asked):
    """Who is alone is told why there is nothing for them, and how another may answer."""
    asked("run", "--ingest")
    path = Path("annotation/quality@1/asks.jsonl")
    lines = [json.dumps({**json.loads(line), "avoid": ["ada"]}) for line in path.read_text().splitlines()]
    path.write_text("".join(f"{line}\n" for line in lines))
    result = asked("annotate", "label", "quality", "--as", "ada")

    assert "Nothing to label here" in result.err
    assert "2 questions are about what ada made, and for somebody else: `--as NAME`" in result.err


def test_unknown_tasks_are_refused_with_the_nearest(asked):
    """Every command that takes a task says what there is."""
    asked("ingest")
    for words in (("asks", "qualty"), ("agreement", "qualty"), ("label", "qualty")):
        assert "quality" in asked("annotate", *words, expect=1).err


@pytest.fixture(name="shown")
def make_shown(asked, monkeypatch):
    """One image, of which people are shown a copy."""
    Image.new("RGB", (8, 8)).save("face.png")
    row = {"uri": Path("face.png").absolute().as_uri(), "quality": 1}
    Path("documents/1.jsonl").write_text(json.dumps(row) + "\n")
    shows = '[platform.team]\nimage = "url"\nstaging = "${PLACE}"\nexpiry = "rolling"'
    Path("dsvc.toml").write_text(RECIPE.replace("[platform.team]", shows))
    monkeypatch.setenv("PLACE", "copies")
    asked("ingest")
    return asked


def test_follow_goes_on_where_something_strange_comes_to_lie_among_copies(shown, monkeypatch):
    """It says so at each pass, and deletes its copies in time; where it is so from the beginning, nothing begins."""
    put = LocalStaging.put

    def litter(self, *args):
        found = put(self, *args)
        Path("copies/notes.txt").write_text("somebody's")
        return found

    monkeypatch.setattr(LocalStaging, "put", litter)
    told = shown("annotate", "follow", "--every", "0.1", "--times", "3")
    assert 2 == told.err.count("it holds other things, such as notes.txt")

    told = shown("annotate", "follow", "--every", "0.1", "--times", "3", expect=15)
    assert 1 == told.err.count("it holds other things")


def test_copies_that_cannot_be_deleted_are_told_by_the_exit_status(shown, monkeypatch):
    """By `run` too, and where the recipe has no tasks any more: somebody should look."""
    shown("run")
    [copy] = Path("copies").iterdir()
    Path("dsvc.toml").write_text(RECIPE.partition("[platform.team]")[0])
    ops = open_ops(Path(".dsvc") / STATE)
    update(ops, "stages", copy.name, lambda doc: {**doc, "put_us": doc["put_us"] - 2 * DAY_US})
    ops.close()

    monkeypatch.delenv("PLACE")
    for command in (("annotate", "sync"), ("run",)):
        told = shown(*command, expect=3)
        assert "1 copy that should be gone is still there" in told.err
    assert copy.exists()
    monkeypatch.setenv("PLACE", "copies")
    told = shown("annotate", "sync")
    assert not copy.exists()
    assert "1 copy deleted where nothing is staged any more" in told.out
