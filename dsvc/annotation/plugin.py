"""The platforms that come with dsvc, offered as any plugin offers its own."""

from __future__ import annotations

from collections.abc import Mapping

from dsvc.annotation.platforms.files import FilesPlatform
from dsvc.annotation.platforms.label_studio import LabelStudioPlatform
from dsvc.annotation.platforms.mongo_queue import MongoQueuePlatform
from dsvc.plugins import hookimpl
from dsvc.plugins.platforms import Platform


@hookimpl
def dsvc_platforms() -> Mapping[str, type[Platform]]:
    """Return the platforms by name."""
    return {"files": FilesPlatform, "label-studio": LabelStudioPlatform, "mongo-queue": MongoQueuePlatform}
