"""Watches a server's event loop from outside, and a server that does nothing beside it: the noise of the machine."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench.prober import Probed
from support.processes import REPOSITORY, Process, free_port, http_ok

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from bench.peers import Peer
    from bench.report import Table

QUESTION = "the event loop while something else goes on, ms; goal: no stall over 50"
COLUMNS = (
    "meanwhile",
    "server",
    "probes",
    "p99 latency",
    "slowest",
    "p99 stall, at most",
    "longest, at most",
    "at least",
)


class Watch:
    """Probes while its context lasts; `table` gets a row of the server and one of the idle one."""

    def __init__(self, server: Peer, folder: Path, table: Table, meanwhile: str) -> None:
        self._server = server
        self._folder = folder
        self._table = table
        self._meanwhile = meanwhile

    def __enter__(self) -> Self:
        self._open = ExitStack()
        port = free_port()
        idle_url = f"http://127.0.0.1:{port}/"
        argv = [sys.executable, "-m", "bench.idle_server", str(port)]
        idle = Process(argv, self._folder / "idle_server.log", lambda: http_ok(idle_url))
        self._open.callback(idle.kill)
        url = f"http://127.0.0.1:{self._server.port}{self._server.ready_path}"
        self._probers = {self._server.name: _prober(self._server.pid, url), "idle": _prober(idle.pid, idle_url)}
        for prober in self._probers.values():
            self._open.callback(prober.kill)
        return self

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        with self._open:
            if failure is None:
                for name, prober in self._probers.items():
                    self._add_row(name, Probed(**json.loads(prober.communicate(timeout=60)[0])))

    def _add_row(self, name: str, probed: Probed) -> None:
        seconds = (probed.p99_s, probed.slowest_s, probed.most_p99_s, probed.most_s, probed.least_s)
        self._table.add(self._meanwhile, name, probed.probes, *(1000 * s for s in seconds))


def _prober(pid: int, url: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "bench.prober", str(pid), url]
    return subprocess.Popen(argv, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
