"""Asks a server for one small page over and over, and tells where the time of slow answers went.

A program of its own, so that nothing but the probing holds it up: `python -m bench.prober PID URL` probes until its
standard input ends, then prints one JSON object with the fields of `Probed`.

A slow answer alone does not tell a stalled event loop from a machine that is busy. So the kernel's account of the
threads that an answer goes through is read before and after each probe: how long each could have run and waited for a
processor. That is the prober, the server's main thread, which runs the event loop, and its threads with the main
thread's name, which are the web server's. What is left of the latency without the waits of the prober and of the main
thread is the most that a stall can have been; without the waits of the others too, the least, as they may have waited
for other requests or at the same time.
"""

from __future__ import annotations

import http.client
import json
import os
import select
import sys
import time
import urllib.parse
from dataclasses import asdict, dataclass
from pathlib import Path

PERIOD_S = 0.005


@dataclass(frozen=True, slots=True)
class Probe:
    """One answer: its latency, and how long threads waited for a processor meanwhile."""

    latency_s: float
    prober_queued_s: float
    loop_queued_s: float
    web_queued_s: float

    @property
    def most_s(self) -> float:
        """The longest stall that may have been in it."""
        return max(0.0, self.latency_s - self.prober_queued_s - self.loop_queued_s)

    @property
    def least_s(self) -> float:
        """The stall that was in it for sure."""
        return max(0.0, self.most_s - self.web_queued_s)


@dataclass(frozen=True, slots=True)
class Probed:
    """All probes; the maxima need not be of the same one."""

    probes: int
    p99_s: float
    slowest_s: float
    most_p99_s: float
    most_s: float
    least_s: float


class Account:
    """How long threads have waited for a processor so far, by the kernel's account."""

    def __init__(self, pid: int, threads: list[int]) -> None:
        self._paths = [Path(f"/proc/{pid}/task/{thread}/schedstat") for thread in threads]

    def queued_s(self) -> float:
        """Seconds, of all the threads together."""
        return sum(int(path.read_text().split()[1]) for path in self._paths) / 1e9


def web_threads(pid: int) -> list[int]:
    """The threads that have the main thread's name, without it."""
    names = {int(task.name): (task / "comm").read_text() for task in Path(f"/proc/{pid}/task").iterdir()}
    return [thread for thread, name in names.items() if name == names[pid] and thread != pid]


def main(pid: int, url: str) -> None:
    """Probes and prints."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    accounts = [Account(os.getpid(), [os.getpid()]), Account(pid, [pid]), Account(pid, web_threads(pid))]
    probes = []
    while not select.select([sys.stdin], [], [], PERIOD_S)[0]:
        before = [account.queued_s() for account in accounts]
        begin = time.perf_counter()
        connection.request("GET", parts.path)
        connection.getresponse().read()
        latency = time.perf_counter() - begin
        queued = [account.queued_s() - then for account, then in zip(accounts, before, strict=True)]
        probes.append(Probe(latency, *queued))
    print(json.dumps(asdict(summary(probes))))


def summary(probes: list[Probe]) -> Probed:
    """The figures of all probes, of which there must be some."""
    latencies = sorted(probe.latency_s for probe in probes)
    most = sorted(probe.most_s for probe in probes)
    last = len(probes) - 1
    p99 = last * 99 // 100
    least_s = max(probe.least_s for probe in probes)
    return Probed(len(probes), latencies[p99], latencies[last], most[p99], most[last], least_s)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
