"""Where the runtime configuration file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neocortex.config.option import inline, opt
from neocortex.config.sections.bucket import Bucket

if TYPE_CHECKING:
    from neocortex.config.values import Duration


class RuntimeConfig(Bucket, go="runtimeconfig.Config"):
    """The runtime configuration file."""

    period: Duration = opt("runtime-config.reload-period", "10s")
    file: str = opt("runtime-config.file", "")
    _bucket = inline(Bucket, "runtime-config.", defaults={"backend": "filesystem"})
