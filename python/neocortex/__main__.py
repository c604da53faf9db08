"""The command: reads flags and file, builds the modules of the target, runs until a signal or a failure.

Exit codes as Cortex's: 0 after a clean stop, 1 for a wrong configuration or a failed module, 2 for wrong flags.
"""

from __future__ import annotations

import platform
import signal
import sys
from typing import TYPE_CHECKING

import neocortex
from neocortex.config.load import Exit, load
from neocortex.config.status import unsupported_settings
from neocortex.errors import StartError
from neocortex.observe import Registry, get_logger
from neocortex.observe.log import LEVELS, bridge_standard_logging, configure
from neocortex.observe.process import register_process_metrics

if TYPE_CHECKING:
    from neocortex.config.load import Loaded

log = get_logger()


def main() -> None:
    """Entry point of `neocortex` and `cortex`; never returns."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Runs the command line and gives the exit code."""
    try:
        loaded = load(args)
    except Exit as end:
        sys.stdout.write(end.stdout)
        sys.stderr.write(end.stderr)
        return end.code
    if loaded.command.modules:
        from neocortex.modules import describe  # noqa: PLC0415 - the table imports the rooms

        sys.stdout.write(describe())
        return 0
    registry = _registry(loaded)
    for name in loaded.command.deprecated_flags:
        log.warn("flag disabled", flag=name)
    idle = unsupported_settings(loaded.config)
    if idle:
        log.warn("options without effect are set", options=",".join(setting.name for setting in idle))
    log.info("Starting Cortex", version=f"(version={neocortex.__version__}, branch=, revision=)")
    import uvloop  # noqa: PLC0415 - the commands that only print do without an event loop

    try:
        clean = uvloop.run(_serve(loaded, registry))
    except StartError as error:
        log.error("error running cortex", err=str(error))
        return 1
    if not clean:
        log.error("error running cortex", err="failed services")
        return 1
    return 0


def _registry(loaded: Loaded) -> Registry:
    """Sets up logs and the metrics that exist whatever the target."""
    registry = Registry()
    server = loaded.config.server
    lines = registry.counter_family("log_messages_total", "Total number of log messages.", ("level",))
    counters = {level: lines.labels(level) for level in LEVELS}
    configure(server.log_level, server.log_format, on_line=lambda level: counters[level].inc())
    bridge_standard_logging()
    register_process_metrics(registry)
    _register_build_info(registry)
    if loaded.file_sha256 is not None:
        registry.gauge_family("cortex_config_hash", "Hash of the currently active config file.", ("sha256",)).labels(
            loaded.file_sha256
        ).set(1)
    return registry


def _register_build_info(registry: Registry) -> None:
    """Cortex's labels; `goversion` names the interpreter."""
    architecture = platform.machine()
    registry.gauge_family(
        "cortex_build_info",
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from which cortex"
        " was built, and the goos and goarch for the build.",
        ("branch", "goarch", "goos", "goversion", "revision", "tags", "version"),
    ).labels(
        "",
        {"x86_64": "amd64", "aarch64": "arm64"}.get(architecture, architecture),
        sys.platform,
        f"python{platform.python_version()}",
        "unknown",
        "unknown",
        neocortex.__version__,
    ).set(1)


async def _serve(loaded: Loaded, registry: Registry) -> bool:
    """Whether everything that ran has stopped without failing."""
    import asyncio  # noqa: PLC0415

    from neocortex.garbage import keep_pauses_short  # noqa: PLC0415
    from neocortex.modules import build  # noqa: PLC0415
    from neocortex.process import Process  # noqa: PLC0415

    process = Process(loaded.config, registry)
    supervisor = build(process, loaded.config.target)
    keep_pauses_short()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.request_stop)
    return await supervisor.run()


if __name__ == "__main__":
    main()
