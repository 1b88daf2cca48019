"""The platforms that come with dsvc, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Mapping

from dsvc.annotation.platform_files import FilesPlatform
from dsvc.annotation.platform_label_studio import LabelStudioPlatform
from dsvc.annotation.platform_mongo import MongoQueuePlatform
from dsvc.plugins import hookimpl
from dsvc.plugins.platforms import Platform


@hookimpl
def dsvc_platforms() -> Mapping[str, type[Platform]]:
    """Return the platforms by name."""
    return {"files": FilesPlatform, "label-studio": LabelStudioPlatform, "mongo-queue": MongoQueuePlatform}
