"""A Neocortex under load: pushes over keep-alive connections, and what the process used."""

from __future__ import annotations

import http.client
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Load:
    """What a load did: wall and CPU seconds of the server, these also by thread, and the requests' latencies."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    thread_cpu_s: dict[str, float] = field(default_factory=dict)
    latencies_s: list[float] = field(default_factory=list)

    def percentile(self, p: float) -> float:
        """A latency in seconds."""
        ordered = sorted(self.latencies_s)
        return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def cpu_seconds(pid: int) -> float:
    """User and system CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


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
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def push_all(port: int, pid: int, bodies: Sequence[bytes], connections: int = 4, tenant: str = "bench") -> Load:
    """Posts every body once, as fast as it goes; body i goes over connection i modulo their number, in order."""
    load = Load()
    errors: list[str] = []

    def run(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {
            "X-Scope-OrgID": tenant,
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
        }
        for body in bodies[number::connections]:
            begin = time.perf_counter()
            connection.request("POST", "/api/v1/push", body, headers)
            response = connection.getresponse()
            text = response.read()
            load.latencies_s.append(time.perf_counter() - begin)
            if response.status != http.client.OK:
                errors.append(f"{response.status} {text.decode()}")
                break
        connection.close()

    before = thread_cpu_seconds(pid)
    cpu, begin = cpu_seconds(pid), time.perf_counter()
    threads = [threading.Thread(target=run, args=(n,)) for n in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.wall_s = time.perf_counter() - begin
    load.cpu_s = cpu_seconds(pid) - cpu
    load.thread_cpu_s = {name: used - before.get(name, 0.0) for name, used in thread_cpu_seconds(pid).items()}
    if errors:
        raise RuntimeError(errors[0])
    return load
