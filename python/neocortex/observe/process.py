"""What the operating system knows of this process, under client_golang's names."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neocortex.observe.metrics import Registry

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc/self")


def register_process_metrics(registry: Registry) -> None:
    """`process_*`, as far as this system's /proc gives it."""
    registry.observed_counter(
        "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", _cpu_seconds
    )
    registry.observed_gauge("process_max_fds", "Maximum number of open file descriptors.", _max_fds)
    registry.observed_gauge(
        "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.", _max_memory
    )
    started = time.time()
    if _PROC.exists():
        started = _start_time(started)
        registry.observed_gauge("process_open_fds", "Number of open file descriptors.", _open_fds)
        registry.observed_gauge("process_resident_memory_bytes", "Resident memory size in bytes.", lambda: _memory(1))
        registry.observed_gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", lambda: _memory(0))
    registry.observed_gauge(
        "process_start_time_seconds", "Start time of the process since unix epoch in seconds.", lambda: started
    )


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _max_fds() -> float:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _max_memory() -> float:
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit if limit != resource.RLIM_INFINITY else float(2**64 - 1)


def _open_fds() -> float:
    return len(os.listdir(_PROC / "fd"))  # noqa: PTH208 - a path object for each would take long


def _memory(column: int) -> float:
    return int((_PROC / "statm").read_text().split()[column]) * _PAGE_BYTES


def _start_time(fallback: float) -> float:
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            # Fields count from after the command, which may hold spaces and brackets of its own.
            ticks = int((_PROC / "stat").read_text().rpartition(")")[2].split()[19])
            return int(line.split()[1]) + ticks / _TICKS_PER_S
    return fallback
