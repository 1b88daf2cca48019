"""What the base class of platforms does itself."""

import dataclasses
from pathlib import Path

import pytest

import dsvc.plugins
from dsvc.errors import DsvcError, PlatformError, PlatformUnavailableError
from dsvc.plugins.platforms import Capabilities, Platform, Question, TaskForm


class Nobody(Platform):
    """A platform where nobody works."""

    capabilities = Capabilities("pointer")

    def post(self, form, questions):
        return []

    def poll(self, form, cursor=None):
        yield from ()

    def iter_tasks(self, form):
        yield from ()

    def withdraw(self, form, task_id):
        return "gone"

    def discard(self, form, task_id):
        return "gone"

    def check(self):
        return []


def test_a_platform_without_webhooks_believes_none():
    """Whatever comes; and closing what holds nothing open is no error."""
    platform = Nobody("team", {}, Path())
    platform.close()

    assert platform.read_hint({"authorization": "x"}, b"{}") is None


def test_a_project_is_a_version_of_a_task():
    """The guideline is no part of its name, nor is anything else that may be edited."""
    form = TaskForm("face_boxes", "2", "boxes")

    assert "face_boxes@2" == form.project == dataclasses.replace(form, guideline="more").project


def test_questions_are_values():
    """Nothing changes one once it is made."""
    question = Question("0a#0", "label", "s3://b/k")

    with pytest.raises(dataclasses.FrozenInstanceError):
        question.want = 2


def test_a_platform_that_is_away_may_be_asked_again():
    """One that refuses may not; both name it."""
    away = PlatformUnavailableError(platform="team", reason="no answer within 10 s")
    refused = PlatformError(platform="team", reason="the token is not valid")

    assert (True, False) == (away.retryable, refused.retryable)
    assert isinstance(away, DsvcError)
    assert "platform 'team': the token is not valid" == str(refused)


def test_the_contract_is_public():
    """A plugin imports all of it from `dsvc.plugins`."""
    assert dsvc.plugins.Platform is Platform
    assert dsvc.plugins.Question is Question
