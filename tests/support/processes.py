"""Real programs on loopback ports, in folders of their own, ended and removed with the test."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("NEOCORTEX_SHARED", REPOSITORY.parent / "shared"))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def program(name: str) -> str | None:
    """The path of an installed program."""
    return shutil.which(name)


class Process:
    """A running program. Its output goes to a file, shown when it does not become ready."""

    def __init__(
        self,
        argv: Sequence[str],
        log: Path,
        ready: Callable[[], bool],
        timeout: float = 30,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.argv = list(argv)
        self.log = log
        env = os.environ | dict(environment or {})
        with log.open("ab") as out:
            self._popen = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env)
        end = time.monotonic() + timeout
        while not ready():
            if self._popen.poll() is not None:
                raise RuntimeError(f"{argv[0]} ended with {self._popen.returncode}:\n{self.tail()}")
            if time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"{argv[0]} was not ready within {timeout} s:\n{self.tail()}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def tail(self) -> str:
        """The last lines of its output."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-30:])

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self._popen.kill()
        self._popen.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting for its end."""
        self._popen.send_signal(signal.SIGTERM)

    def stop(self, timeout: float = 20) -> int:
        """SIGTERM and its exit status."""
        self.terminate()
        return self._popen.wait(timeout)

    def wait(self, timeout: float) -> int:
        """Its exit status when it ends by itself; `subprocess.TimeoutExpired` when it does not."""
        return self._popen.wait(timeout)

    def poll(self) -> int | None:
        """Its exit status once it has ended."""
        return self._popen.poll()


def http_ok(url: str) -> bool:
    """True when a GET answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


CONFIG = """\
target: all
auth_enabled: {auth}
server:
  http_listen_address: 127.0.0.1
  http_listen_port: {port}
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: {grpc_port}
distributor:
  shard_by_all_labels: true
  remote_writev2_enabled: true
  ring:
    instance_addr: 127.0.0.1
    kvstore: {{store: inmemory}}
ingester:
  lifecycler:
    address: 127.0.0.1
    min_ready_duration: 0s
    final_sleep: 0s
    ring:
      kvstore: {{store: inmemory}}
      replication_factor: 1
blocks_storage:
  backend: filesystem
  filesystem: {{dir: {folder}/blocks}}
  tsdb: {{dir: {folder}/tsdb}}
querier:
  active_query_tracker_dir: {folder}/active-query-tracker
limits:
  ingestion_rate: 10000000
  ingestion_burst_size: 10000000
  enable_native_histograms: true
  max_exemplars: 10000
"""


class Neocortex:
    """A Neocortex on a free port with a configuration file in `folder`; startable again on the same data."""

    def __init__(self, folder: Path, *, auth: bool = True, extra: Sequence[str] = ()) -> None:
        self.folder = folder
        self.port = free_port()
        self.extra = list(extra)
        self.config = folder / "neocortex.yaml"
        self.bucket = folder / "blocks"
        self.config.write_text(
            CONFIG.format(auth=str(auth).lower(), port=self.port, grpc_port=free_port(), folder=folder),
        )
        self.process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self, timeout: float = 30, environment: Mapping[str, str] | None = None) -> "Neocortex":
        """Starts it, with more in its environment, and waits until /ready answers 200.

        RuntimeError when it ends before.
        """
        argv = [sys.executable, "-m", "neocortex", f"-config.file={self.config}", *self.extra]
        log, ready = self.folder / "neocortex.log", lambda: http_ok(f"{self.url}/ready")
        self.process = Process(argv, log, ready, timeout, environment)
        return self

    @property
    def running(self) -> Process:
        assert self.process is not None, "not started"
        return self.process

    def kill(self) -> None:
        """As a crash."""
        self.running.kill()

    def stop(self) -> int:
        """Asks it to end; its exit status."""
        return self.running.stop()

    def __enter__(self) -> "Neocortex":
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
