"""What comes with dsvc is offered like anyone's."""

from dsvc.engine.making.executors.local import LocalExecutor
from dsvc.engine.making.plugin import dsvc_executors


def test_the_local_executor_is_offered():
    """Under the name that is the default."""
    assert {"local": LocalExecutor} == dsvc_executors()
