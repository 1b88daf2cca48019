"""What a run says it did."""

from __future__ import annotations

import msgspec

from dsvc.engine.making.report import DatasetReport, RunReport, StepReport


def test_a_run_that_did_nothing_says_so():
    """Everything unchanged, or nothing there."""
    assert RunReport().did_nothing
    assert RunReport((StepReport("s", "unchanged", records=5),), (DatasetReport("d", "unchanged"),)).did_nothing
    assert not RunReport((StepReport("s", "taken", reused=5),)).did_nothing
    assert not RunReport((), (DatasetReport("d", "removed"),)).did_nothing


def test_sums():
    """Of all steps."""
    report = RunReport((StepReport("s", "made", ran=3, failed=1), StepReport("t", "made", ran=4)))

    assert (7, 1) == (report.ran, report.failed)


def test_a_report_is_plain_data():
    """It can be printed as JSON."""
    report = RunReport((StepReport("s", "made", ran=3),), seconds=1.5)

    assert {"name": "s", "status": "made", "ran": 3}.items() <= msgspec.to_builtins(report)["steps"][0].items()
