"""Reads the runtime configuration file at start and again every period.

A file that cannot be used stops the start; later the last good one stays in force and
`cortex_runtime_config_last_reload_successful` is 0.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from neocortex.errors import StartError
from neocortex.observe import get_logger
from neocortex.overrides.document import InvalidRuntimeConfig, RuntimeValues, read_document
from neocortex.overrides.limits import Overrides
from neocortex.service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from neocortex.config import Config, Limits
    from neocortex.config.sections.ingester import InstanceLimits
    from neocortex.observe import Registry

__all__ = ["Overrides", "RuntimeConfigService", "runtime_file"]

log = get_logger()

NO_TENANTS: Mapping[str, Limits] = {}


def runtime_file(config: Config) -> Path | None:
    """The runtime file's path, None when none is configured; below `runtime_config.filesystem.dir` when that is set."""
    runtime = config.runtime_config
    if not runtime.file:
        return None
    if not runtime.filesystem.dir:
        return Path(runtime.file)
    return Path(runtime.filesystem.dir) / runtime.file.lstrip("/")


class RuntimeConfigService(Service):
    """Holds the runtime configuration in force; `values` is None until the first reading.

    `read` gives the file's bytes, by default from the local disk; `wait` sleeps for a period in seconds or until the
    service is asked to stop, which it answers with True. `listeners` are called with each new content.
    """

    def __init__(
        self,
        config: Config,
        registry: Registry,
        *,
        read: Callable[[], Awaitable[bytes]] | None = None,
        wait: Callable[[float], Awaitable[bool]] | None = None,
    ) -> None:
        super().__init__()
        runtime = config.runtime_config
        if read is None and runtime.backend != "filesystem":
            raise StartError(f"runtime_config.backend {runtime.backend} needs a bucket client")
        self._config = config
        self._read = read or self._read_file
        self._wait = wait or self._wait_or_stop
        self._sha256 = ""
        self.values: RuntimeValues | None = None
        self.listeners: list[Callable[[RuntimeValues], None]] = []
        self._successful = registry.gauge(
            "cortex_runtime_config_last_reload_successful",
            "Whether the last runtime-config reload attempt was successful.",
        )
        registry.observed(
            "gauge",
            "cortex_runtime_config_hash",
            "Hash of the currently active runtime config file.",
            label_names=("sha256",),
            ask=lambda: [((self._sha256,), 1.0)] if self._sha256 else [],
        )

    def tenant_limits(self) -> Mapping[str, Limits]:
        """The limits of the tenants that the file names, for `Overrides`."""
        return NO_TENANTS if self.values is None else self.values.overrides

    def ingester_limits(self) -> InstanceLimits:
        """The limits of an ingester over all tenants: those of the file, else the configuration's."""
        if self.values is None or self.values.ingester_limits is None:
            return self._config.ingester.instance_limits
        return self.values.ingester_limits

    async def starting(self) -> None:
        try:
            await self.reload()
        except (OSError, InvalidRuntimeConfig) as err:
            raise StartError(f"failed to load runtime config: {_reason(err)}") from err

    async def running(self) -> None:
        while not await self._wait(self._config.runtime_config.period.seconds):
            try:
                await self.reload()
            except (OSError, InvalidRuntimeConfig) as err:
                log.error("failed to load config", err=_reason(err))

    async def reload(self) -> None:
        """Reads the file once. Raises OSError or InvalidRuntimeConfig, and then what was in force stays."""
        try:
            content = await self._read()
            sha256 = hashlib.sha256(content).hexdigest()
            if sha256 != self._sha256 or self.values is None:
                self.values = read_document(content, self._config)
                self._sha256 = sha256
                for listener in self.listeners:
                    listener(self.values)
        except (OSError, InvalidRuntimeConfig):
            self._successful.set(0)
            raise
        self._successful.set(1)

    async def _read_file(self) -> bytes:
        path = runtime_file(self._config)
        assert path is not None
        return path.read_bytes()

    async def _wait_or_stop(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self.stop_requested.wait(), seconds)
        except TimeoutError:
            return False
        return True


def _reason(err: OSError | InvalidRuntimeConfig) -> str:
    if isinstance(err, OSError):
        return f"read file: open file: open {err.filename}: {(err.strerror or str(err)).lower()}"
    return f"load file: {err}"
