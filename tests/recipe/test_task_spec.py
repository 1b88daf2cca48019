"""What a task says of itself."""

from decimal import Decimal

from dsvc.objects.types import parse_type
from dsvc.recipe.expressions import parse_expression
from dsvc.recipe.paths import InputPath
from dsvc.recipe.task_spec import AuditSpec, Nearness, ShownSpec, TaskSpec

BOXES = parse_type("boxes")


def test_a_task_depends_on_what_it_names():
    """The judged signal, what the condition and the crop read, and always which bytes are asked about."""
    spec = TaskSpec(
        "t",
        BOXES,
        InputPath("d"),
        ask=parse_expression("q.x < 3 AND len(d) = 1"),
        shown=ShownSpec(parse_expression("f[1]")),
    )

    assert ["d", "q.x", "f", "content.id"] == list(map(str, spec.depends))
    assert {"d", "q", "f", "content"} == spec.signals


def test_without_condition_and_audit_everybody_is_asked_about():
    """With an audit, the sample is what people see; with a condition, what it selects."""
    audit = AuditSpec(Decimal("0.1"), Decimal("0.02"), Nearness("equal"))

    assert TaskSpec("t", BOXES).asks_all
    assert not TaskSpec("t", BOXES, InputPath("d"), audit=audit).asks_all
    assert not TaskSpec("t", BOXES, ask=parse_expression("q IS NULL")).asks_all
    assert "boxes" == TaskSpec("t", BOXES).type_text


def test_what_is_made_from_nothing_is_asked_about_with_an_audit_too():
    """There is no value that a sample could be drawn of before a person gave one."""
    audit = AuditSpec(Decimal("0.1"), Decimal("0.02"), Nearness("equal"))

    assert TaskSpec("t", BOXES, audit=audit).asks_all
    assert not TaskSpec("t", BOXES, audit=audit, ask=parse_expression("q IS NULL")).asks_all
