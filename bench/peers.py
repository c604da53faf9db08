"""The servers that are compared: Neocortex, and Prometheus and VictoriaMetrics as Debian packages them.

All listen on loopback ports and write below a folder of the test's. None has another limit than the machine's, and none
scrapes anything.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pytest

from support.processes import Neocortex, Process, free_port, http_ok, program

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

START_TIMEOUT_S = 600.0

NO_SERIES_LIMITS = ("-ingester.max-series-per-user=0", "-ingester.max-series-per-metric=0")


class Peer(ABC):
    """A server that can be started, killed and started again on the same data. `folder` is made if need be."""

    name: str
    push_path: str
    query_path: str
    """Of range queries."""
    ready_path: str

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder

    @property
    @abstractmethod
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""

    @property
    @abstractmethod
    def pid(self) -> int:
        """Its process."""

    @property
    @abstractmethod
    def data(self) -> Path:
        """The folder of the database; of the tenant "bench" where there are tenants."""

    @abstractmethod
    def last_words(self) -> str:
        """The end of its log."""

    @abstractmethod
    def start(self) -> Self:
        """Returns when it is ready."""

    @abstractmethod
    def kill(self) -> None:
        """As a crash; also when it is not running."""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


class NeocortexPeer(Peer):
    """The Neocortex of this interpreter, as one process."""

    name = "neocortex"
    push_path = "/api/v1/push"
    query_path = "/prometheus/api/v1/query_range"
    ready_path = "/ready"

    def __init__(self, folder: Path, flags: Sequence[str] = ()) -> None:
        super().__init__(folder)
        self._server = Neocortex(folder, extra=[*NO_SERIES_LIMITS, *flags])

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def pid(self) -> int:
        return self._server.running.pid

    @property
    def data(self) -> Path:
        return self.folder / "tsdb" / "bench"

    def last_words(self) -> str:
        return self._server.running.tail()

    def start(self) -> Self:
        self._server.start(START_TIMEOUT_S)
        return self

    def kill(self) -> None:
        process = self._server.process
        if process is not None and process.poll() is None:
            process.kill()


class ForeignPeer(Peer):
    """A program of a Debian package."""

    program: str

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        binary = program(self.program)
        if binary is None:
            pytest.skip(f"{self.program} is not installed (apt-get install {self.program})")
        self._binary = binary
        self._port = free_port()
        self._process: Process | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def last_words(self) -> str:
        assert self._process is not None, "not started"
        return self._process.tail()

    @abstractmethod
    def flags(self) -> list[str]:
        """Its command line after the program."""

    def start(self) -> Self:
        url = f"http://127.0.0.1:{self.port}{self.ready_path}"
        log = self.folder / "server.log"
        self._process = Process([self._binary, *self.flags()], log, lambda: http_ok(url), START_TIMEOUT_S)
        return self

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()


class PrometheusPeer(ForeignPeer):
    """Prometheus with its receiver of remote writes."""

    name = "prometheus"
    program = "prometheus"
    push_path = "/api/v1/write"
    query_path = "/api/v1/query_range"
    ready_path = "/-/ready"

    def flags(self) -> list[str]:
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return [
            f"--config.file={config}",
            f"--storage.tsdb.path={self.data}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--web.enable-remote-write-receiver",
            "--log.level=warn",
        ]


class VictoriaMetricsPeer(ForeignPeer):
    """A single VictoriaMetrics."""

    name = "victoria-metrics"
    program = "victoria-metrics"
    push_path = "/api/v1/write"
    query_path = "/api/v1/query_range"
    ready_path = "/health"

    def flags(self) -> list[str]:
        return [f"-storageDataPath={self.data}", f"-httpListenAddr=127.0.0.1:{self.port}", "-loggerLevel=WARN"]


ALL: tuple[type[Peer], ...] = (NeocortexPeer, PrometheusPeer, VictoriaMetricsPeer)
