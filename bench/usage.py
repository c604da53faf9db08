"""What the system says a process uses. Every figure is of one process, all its threads together unless it says so."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """User and system CPU seconds so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def thread_cpu_seconds(pid: int) -> dict[str, float]:
    """CPU seconds so far by the name of the threads, those of a pool together; ended threads are not in it."""
    seconds: dict[str, float] = {}
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (thread / "comm").read_text().strip().rstrip("0123456789").rstrip("-") or "unnamed"
            used = int((thread / "schedstat").read_text().split()[0]) / 1e9
        except OSError:
            continue  # It ended just now.
        seconds[name] = seconds.get(name, 0.0) + used
    return seconds


def resident_bytes(pid: int) -> int:
    """Resident memory, mapped files included as far as they are in it."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES


def peak_bytes(pid: int) -> int:
    """The most resident memory there ever was."""
    return _status_bytes(pid, "VmHWM")


def heap_bytes(pid: int) -> int:
    """Resident memory that no file stands behind, which the system could not take back."""
    return _status_bytes(pid, "RssAnon")


def _status_bytes(pid: int, name: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def open_files(pid: int) -> int:
    """File descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - a count of a pseudo folder


def mappings(pid: int) -> int:
    """Mapped stretches of memory, of which Linux allows a process `vm.max_map_count`."""
    return Path(f"/proc/{pid}/maps").read_text().count("\n")


def folder_bytes(folder: Path) -> int:
    """Lengths of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
