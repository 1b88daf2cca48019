"""What a run says that it did."""

from __future__ import annotations

import msgspec

from dsvc.engine.report import DatasetReport, RunReport, StepReport


def test_a_report_goes_through_json():
    """A report is plain data: what is read back from its JSON is the report."""
    report = RunReport(
        (StepReport("s", "made", records=3, ran=4, failed=1, waiting=1),), (DatasetReport("d", "taken"),)
    )

    text = msgspec.json.encode(report)

    assert report == msgspec.json.decode(text, type=RunReport)
    assert 1 == msgspec.json.decode(text)["steps"][0]["failed"]


def test_totals_are_over_steps():
    """`ran` and `failed` are sums; nothing was done iff every step and dataset is unchanged."""
    same = StepReport("s", "unchanged", records=3)
    made = StepReport("t", "made", ran=4, failed=1)

    assert (8, 2) == (RunReport((made, same, made)).ran, RunReport((made, same, made)).failed)
    assert RunReport((same,), (DatasetReport("d", "unchanged"),)).did_nothing
    assert not RunReport((same,), (DatasetReport("d", "taken"),)).did_nothing
    assert not RunReport((same, made)).did_nothing
