"""The platforms that come with dsvc."""

from dsvc.annotation.platforms.files import FilesPlatform
from dsvc.annotation.plugin import dsvc_platforms


def test_hook_dsvc_platforms():
    """They are found by the name that a recipe gives."""
    assert FilesPlatform is dsvc_platforms()["files"]
    assert {"files", "label-studio", "mongo-queue"} == set(dsvc_platforms())
