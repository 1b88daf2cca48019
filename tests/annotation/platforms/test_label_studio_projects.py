"""Projects of a real Label Studio."""

import dataclasses

import pytest

from dsvc.annotation.platforms.label_studio_projects import LabelStudioProjects
from dsvc.errors import PlatformError
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


@pytest.fixture(name="desk", scope="module")
def _desk(label_studio):
    return LabelStudioDesk(label_studio)


def projects(desk):
    """Return the projects as a client sees them that knows nothing."""
    platform = desk.open()
    return LabelStudioProjects(platform.api, platform.values)


def test_a_version_has_one_project(desk):
    """Whoever looks finds it; a name longer than a title may be is no obstacle."""
    form = dataclasses.replace(a_form("boxes"), task="a" * 63)
    before = projects(desk).find(form)
    made = projects(desk).make(form, 1)

    assert (None, made, made) == (before, projects(desk).find(form), projects(desk).make(form, 1))


def test_two_that_make_one_at_once_use_one(desk):
    """The younger goes."""
    form = a_form()
    slow, quick = projects(desk), projects(desk)
    look = slow._look
    seen = []

    def late(wanted):
        """Find nothing at first, as somebody does who looked before the other made one."""
        seen.append(wanted)
        return None if len(seen) == 1 else look(wanted)

    slow._look = late
    first = quick.make(form, 1)

    assert first == slow.make(form, 1)
    _, found = desk.people.call("GET", "/api/projects/?page_size=1000&include=id,description")
    assert 1 == sum(
        p["description"].split("\n")[0].endswith(f"{desk.people.run}/{form.project}") for p in found["results"]
    )


def test_it_is_brought_up_to_date(desk):
    """Another guideline, another reason: the project stays, and so does how many answers its tasks want."""
    form = a_form("boxes", labels=("face",))
    made = projects(desk).make(form, 1)
    edited = dataclasses.replace(form, guideline="Draw it.", reasons=("too large",))
    same = projects(desk)
    _, _, found = same.make(edited, 3), same.make(edited, 2), desk.open().api.get(f"/api/projects/{made}/")

    assert (made, 1, "Draw it.") == (found["id"], found["maximum_annotations"], found["expert_instruction"])
    assert "too large" in found["label_config"]


def test_nonsense_does_not_wedge_it(desk):
    """The server refuses to change the interface from then on; all else goes on."""
    form = a_form()
    desk.open().post(form, [Question("a#0", "label", "x")])
    desk.give_nonsense(form, "a#0", "ann")
    edited = dataclasses.replace(form, guideline="Rate it.", reasons=("blurred",))
    (posted,) = desk.open().post(edited, [Question("b#0", "label", "x")])
    found = desk.open().api.get(f"/api/projects/{desk.people.project(form)}/")

    assert (False, "Rate it.") == (posted.is_adopted, found["expert_instruction"])


@pytest.mark.parametrize("change", [{"type": "rating(9)"}, {"labels": ("x",)}])
def test_it_never_holds_values_of_another_form(desk, change):
    """The server would take it."""
    form = a_form()
    projects(desk).make(form, 1)

    with pytest.raises(PlatformError, match="cannot: its answers are of") as raised:
        projects(desk).make(dataclasses.replace(form, **change), 1)
    assert "raise the version" in raised.value.hint


def test_one_that_was_deleted_is_made_again(desk):
    """By a client that remembers it, too."""
    form = a_form()
    ours = projects(desk)
    made = ours.make(form, 1)
    desk.people.call("DELETE", f"/api/projects/{made}/")

    assert made != ours.make(dataclasses.replace(form, guideline="Rate it."), 1)


def test_findings_say_what_the_options_lack(desk):
    """Keys to sign with; a secret of webhooks."""
    api = desk.open().api
    findings = LabelStudioProjects(
        api, {"image": "uri", "s3_access_key": "a", "s3_secret_key": "", "hints_url": "x", "hints_secret": ""}
    ).findings()

    assert [("images", False), ("webhooks", False)] == [(finding.what, finding.is_well) for finding in findings]
    assert "s3_secret_key" in findings[0].advice
