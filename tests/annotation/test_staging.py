"""What every staging store must have, shown on the one in memory."""

import pytest

from dsvc.annotation.staging import require_expiry_rule
from dsvc.errors import StagingError
from dsvc.testing.staging import MemoryStaging, StagingTests


class TestMemoryStaging(StagingTests):
    def make_staging(self, tmp_path):
        return MemoryStaging(lambda: 1)


def test_a_store_without_a_rule_is_refused():
    """Before any image is in it."""
    require_expiry_rule(MemoryStaging(lambda: 1))
    with pytest.raises(StagingError, match="expiry rule"):
        require_expiry_rule(MemoryStaging(lambda: 1, has_rule=False))
