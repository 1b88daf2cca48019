"""The labelling interface of Label Studio for a task: one for all forms in which its questions are asked.

| control | what for |
| --- | --- |
| `value` | the value: rectangles, points, choices, stars or a text |
| `item` | of points: which of several faces a point belongs to, 1, 2, 3, ... |
| `verdict` | of questions that show a value to be judged: accept, reject |
| `reasons`, `note` | why it is rejected: those of the form, and a text |

A project's interface never changes while the task's version stays: everything in it is in `TaskForm`, but for the
guideline, which is the project's instruction.
"""

from __future__ import annotations

import html
from typing import Final
from xml.sax.saxutils import quoteattr

from dsvc.annotation.answers.payloads import AnswerType, answer_type
from dsvc.plugins.platforms import TaskForm

IMAGE, VALUE, ITEM, VERDICT, REASONS, NOTE = "image", "value", "item", "verdict", "reasons", "note"
UNLABELLED: Final = "(no label)"
"""What a box without a label is called in a form that has labels."""
_COLOURS = ("#d92b2b", "#2b6fd9", "#2ba84a", "#d98e2b", "#8a2bd9", "#2bc4d9", "#d92b9e", "#7a7a2b")


def labelling_config(form: TaskForm) -> str:
    """Return the interface as Label Studio's XML; equal forms give equal texts, whatever their guidelines."""
    type_ = answer_type(form.type)
    return "\n".join(
        [
            "<View>",
            '  <Header value="$ask"/>',
            '  <Header size="5" value="$context"/>',
            f'  <Image name="{IMAGE}" value="$image" zoom="true" zoomControl="true" rotateControl="false"/>',
            *(f"  {line}" for line in _value_control(form, type_)),
            f'  <Choices name="{VERDICT}" toName="{IMAGE}" choice="single-radio" showInline="true">',
            '    <Choice value="accept"/>',
            '    <Choice value="reject"/>',
            "  </Choices>",
            *(f"  {line}" for line in _reason_controls(form)),
            "</View>",
        ]
    )


def point_names(form: TaskForm, type_: AnswerType) -> tuple[str, ...]:
    """Return what the points of a task are called: by the form's labels where there is one a point, else 1, 2, 3."""
    if len(form.labels) == type_.count == len(set(form.labels)):
        return form.labels
    return tuple(str(number) for number in range(1, type_.count + 1))


def box_names(form: TaskForm) -> tuple[str, ...]:
    """Return what boxes can be called; none in a form without labels."""
    return (*form.labels, UNLABELLED) if form.labels else ()


def instruction(form: TaskForm) -> str:
    """Return the guideline as the HTML that annotators read, with nothing of it taken as markup."""
    return html.escape(form.guideline).replace("\n", "<br>")


def _value_control(form: TaskForm, type_: AnswerType) -> list[str]:
    here = f'name="{VALUE}" toName="{IMAGE}"'
    if type_.shape == "boxes" and not form.labels:
        return [f'<Rectangle {here} canRotate="false"/>']
    if type_.shape == "boxes":
        return [
            f'<RectangleLabels {here} canRotate="false">',
            *_labels(box_names(form)),
            "</RectangleLabels>",
        ]
    if type_.shape == "keypoints":
        return [
            f"<KeyPointLabels {here}>",
            *_labels(point_names(form, type_)),
            "</KeyPointLabels>",
            f'<Number name="{ITEM}" toName="{IMAGE}" perRegion="true" min="1" step="1" defaultValue="1"/>',
        ]
    if type_.shape == "class":
        choices = [f"  <Choice value={quoteattr(name)}/>" for name in type_.names]
        return [f'<Choices {here} choice="single-radio" showInline="true">', *choices, "</Choices>"]
    if type_.shape == "rating":
        return [f'<Rating {here} maxRating="{type_.count}"/>']
    return [f'<TextArea {here} maxSubmissions="1" editable="true" rows="3"/>']


def _labels(names: tuple[str, ...]) -> list[str]:
    return [
        f'  <Label value={quoteattr(name)} background="{_COLOURS[place % len(_COLOURS)]}"/>'
        for place, name in enumerate(names)
    ]


def _reason_controls(form: TaskForm) -> list[str]:
    when = f'visibleWhen="choice-selected" whenTagName="{VERDICT}" whenChoiceValue="reject"'
    choices = []
    if form.reasons:
        choices = [
            f'<Choices name="{REASONS}" toName="{IMAGE}" choice="multiple" showInline="true" {when}>',
            *(f"  <Choice value={quoteattr(reason)}/>" for reason in form.reasons),
            "</Choices>",
        ]
    return [*choices, f'<TextArea name="{NOTE}" toName="{IMAGE}" maxSubmissions="1" rows="2" {when}/>']
