"""What a pass says, and asks one by one."""

import pytest

from dsvc.annotation.answers.records import make_ask
from dsvc.annotation.desk import Sent
from dsvc.annotation.keeping.ledger import read_ledger
from dsvc.annotation.staging.stages import Reaped
from dsvc.annotation.syncing import AskStatus, SyncReport, find_one, make_report
from dsvc.annotation.turns.dispatch import TurnReport
from dsvc.annotation.turns.intake import Taken
from dsvc.errors import UserError
from dsvc.store.memory import MemoryStore


def status(number):
    """Return an ask that is open."""
    ask = make_ask(
        source=f"s3://f/{number}",
        content_id="",
        task="quality",
        version="1",
        type="rating(5)",
        mode="label",
        form="label",
        round=0,
    )
    return AskStatus(ask, "OPEN")


def test_report_says_what_turns_did():
    """Copies that collecting deleted are among those of the turn, and count once."""
    turn = TurnReport(taken=Taken(n_answers=3, n_read=4), reaped=Reaped(n_overdue=1), n_posted=2, notes=["later"])
    report = make_report({"team": turn}, Sent({"quality": 2}, new=2), 1, ["a run is at work"])

    assert (3, 2, 1) == (report.answers, report.posted, report.platforms[0].overdue)
    assert (("quality", 2),) == report.wanted
    assert not report.did_nothing


def test_pass_that_did_nothing_says_so():
    """Also where answers were read that were there already."""
    quiet = make_report({"team": TurnReport(taken=Taken(n_read=4))}, Sent({"quality": 2}), 0, [])

    assert quiet.did_nothing
    assert SyncReport().did_nothing


def test_ask_is_found_by_its_first_digits():
    """Four at least; several that begin so, or none, are refused."""
    ledger, known = read_ledger(MemoryStore()), [status(n) for n in range(3)]

    assert known[1].ask == find_one(known[1].ask.ask_id.hex()[:10], known, ledger).ask
    for wrong in ("abc", "nothex", "0" * 64):
        with pytest.raises(UserError):
            find_one(wrong, known, ledger)
