"""`dsvc completion`."""

import pytest


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_script_is_printed(name, shell):
    """The script calls dsvc back to complete its words."""
    assert "_DSVC_COMPLETE" in shell("completion", name).out


def test_other_shells_are_refused(shell):
    """The message lists those there are."""
    assert "'zsh'" in shell("completion", "ksh", expect=2).err
