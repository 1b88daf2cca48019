"""People at a real Label Studio."""

import pytest

from dsvc.plugins.platforms import Question
from dsvc.testing.label_studio_people import LabelStudioDesk
from dsvc.testing.platforms import a_form

pytestmark = [
    pytest.mark.labelstudio,
    pytest.mark.service,
    pytest.mark.slow,
    pytest.mark.xdist_group("labelstudio"),
    pytest.mark.timeout(1500),  # the first of them may have to install the server
]


def test_people_have_accounts_of_their_own(label_studio):
    """Made when they are first needed, and kept."""
    desk = LabelStudioDesk(label_studio)
    tokens = [desk.people.token(person) for person in ("ann", "bob", "ann", "admin")]
    ids = [desk.people.call("GET", "/api/current-user/whoami", person=person)[1]["id"] for person in ("ann", "bob")]

    assert (tokens[0], label_studio.token, 3) == (tokens[2], tokens[3], len(set(tokens)))
    assert 2 == len(set(ids))


def test_tasks_are_found_by_our_key(label_studio):
    """In the project of the form, made by this desk."""
    desk, form = LabelStudioDesk(label_studio), a_form()
    first, second = desk.open().post(form, [Question(f"{name}#0", "label", "x") for name in "ab"])

    assert [int(first.task_id), int(second.task_id)] == [desk.people.find(form, f"{name}#0") for name in "ab"]
