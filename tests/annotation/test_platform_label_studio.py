"""The platform `label-studio` keeps the contract, before a real server."""

import pytest

from dsvc.testing.label_studio import LabelStudioUnavailableError, running_label_studio
from dsvc.testing.label_studio_people import LabelStudioDesk
from dsvc.testing.platforms import PlatformTests

pytestmark = [pytest.mark.labelstudio, pytest.mark.service, pytest.mark.slow]


@pytest.fixture(name="server", scope="module")
def _server():
    """A real server, with no projects; tests are skipped where none can be had."""
    try:
        with running_label_studio() as server:
            yield server
    except LabelStudioUnavailableError as err:
        pytest.skip(str(err))


@pytest.fixture(name="desk", scope="module")
def _desk(server):
    return LabelStudioDesk(server)


class TestLabelStudioPlatform(PlatformTests):
    """The contract."""
