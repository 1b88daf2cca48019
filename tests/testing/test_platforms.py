"""The suite of platforms finds what is wrong with one."""

import pytest

from dsvc.testing.fake_platform import FakePlatform
from dsvc.testing.platforms import PlatformTests, a_form

from .test_fake_platform import FakeDesk


class Forgetful(FakePlatform):
    """Posts without looking."""

    def _adopt(self, form, key):
        return None


class Careless(FakePlatform):
    """Deletes whatever it is told to."""

    def withdraw(self, form, task_id):
        return "deleted" if self.server.delete_task(int(task_id)) else "gone"


class Hasty(FakePlatform):
    """Gives every answer once, to whoever comes first."""

    def poll(self, form, cursor=None):
        for page in super().poll(form, cursor):
            yield page
            for answer in page.answers:
                del self.server.tasks[int(answer.task_id)].answers[int(answer.platform_id)]


CASES = {
    "forgetful": (Forgetful, "test_questions_are_posted_once"),
    "careless": (Careless, "test_a_task_with_answers_is_never_withdrawn"),
    "hasty": (Hasty, "test_a_poll_goes_on_where_one_ended"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_wrong_platform_is_found(name):
    """The test that is about it fails."""
    kind, test = CASES[name]
    desk = FakeDesk()
    desk.open = lambda: kind(desk.server)

    with pytest.raises((AssertionError, KeyError)):
        getattr(PlatformTests(), test)(desk)


def test_forms_are_never_the_same():
    """So that one desk serves all tests."""
    assert a_form().project != a_form().project
