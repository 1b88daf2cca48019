"""The labelling interface of a task."""

import dataclasses
from xml.etree import ElementTree as ET

import pytest

from dsvc.annotation.answers.payloads import answer_type
from dsvc.annotation.platforms.label_studio_form import box_names, instruction, labelling_config, point_names
from dsvc.plugins.platforms import TaskForm

CONTROLS = {
    "boxes": "Rectangle",
    "keypoints(2)": "KeyPointLabels",
    "class(a, b)": "Choices",
    "rating(5)": "Rating",
    "text": "TextArea",
}


@pytest.mark.parametrize("type_", CONTROLS)
def test_every_type_has_its_control(type_):
    """One that gives a value, and beside it a verdict; the image is shown as it is, never rotated."""
    view = ET.fromstring(labelling_config(TaskForm("t", "1", type_)))
    named = {element.get("name"): element for element in view.iter() if element.get("name")}

    assert CONTROLS[type_] == named["value"].tag
    assert {"image", "value", "verdict", "note"} <= set(named)
    assert "$image" == named["image"].get("value")
    assert [] == [element for element in view.iter() if element.get("toName") not in (None, "image")]


def test_names_are_text_not_markup():
    """Whatever they hold."""
    form = TaskForm("t", "1", "boxes", labels=('a "quoted" <b>', "c & d"), reasons=("'x'",))
    view = ET.fromstring(labelling_config(form))

    assert list(box_names(form)) == [label.get("value") for label in view.iter("Label")]
    assert ["accept", "reject", "'x'"] == [choice.get("value") for choice in view.iter("Choice")]


def test_the_guideline_is_no_part_of_it():
    """It is the project's instruction, and nothing of it is markup."""
    form = TaskForm("t", "1", "boxes")
    edited = dataclasses.replace(form, guideline="# <b>\nmore")

    assert labelling_config(form) == labelling_config(edited)
    assert "# &lt;b&gt;<br>more" == instruction(edited)


def test_points_are_called_by_labels_where_there_is_one_each():
    """Else by their numbers."""
    form, type_ = TaskForm("t", "1", "keypoints(2)", labels=("left", "right")), answer_type("keypoints(2)")

    assert ("left", "right") == point_names(form, type_)
    assert ("1", "2") == point_names(dataclasses.replace(form, labels=("left",)), type_)
